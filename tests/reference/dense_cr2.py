"""CR2 and Satterthwaite's degrees of freedom with every n x n matrix written out (Pustejovsky and Tipton 2018)."""

import numpy as np


def dense_cr2(
    design: np.ndarray, residuals: np.ndarray, clusters: np.ndarray, contrast: np.ndarray
) -> tuple[float, float]:
    """Variance and degrees of freedom of contrast x coefficients; rows and residuals on a scale of unit variance.

    Adjusted by (I - H_gg)^(-1/2), a direction that one cluster alone decides by nothing.
    """
    bread = np.linalg.inv(design.T @ design)
    rest = np.eye(len(design)) - design @ bread @ design.T
    variance, loadings = 0.0, []
    for cluster in np.unique(clusters):
        own = clusters == cluster
        values, vectors = np.linalg.eigh(rest[np.ix_(own, own)])
        root = np.where(values > 1e-9, 1 / np.sqrt(np.maximum(values, 1e-9)), 0.0)
        loading = (vectors * root) @ vectors.T @ design[own] @ bread @ contrast
        variance += float(loading @ residuals[own]) ** 2
        loadings.append(rest[:, own] @ loading)
    products = np.array(loadings) @ np.array(loadings).T
    return variance, float(np.trace(products) ** 2 / np.trace(products @ products))
