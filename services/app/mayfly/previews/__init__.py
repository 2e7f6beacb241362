"""Previews of images: small, metadata-free WebP pictures, made with what strangers may send in mind."""
