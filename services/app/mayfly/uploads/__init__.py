"""The domain: uploads, their rules and their life. No request and no response appears in this package."""
