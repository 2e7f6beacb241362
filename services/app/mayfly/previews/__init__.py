"""Previews of images: small WebP pictures without metadata, made on the assumption that any image may be hostile."""
