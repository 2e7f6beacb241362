"""Previews: small WebP pictures of images and PDFs, and the first lines of texts. Any upload is taken to be hostile."""
