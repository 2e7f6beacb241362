"""The JSON API, and the routes that move bytes without S3."""
