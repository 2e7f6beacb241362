"""The pages, each whole without JavaScript, and `curl -T`."""
