"""When and where things run: study, contracts, reading, warehouse, publishing, command line."""
