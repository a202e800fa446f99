"""The resources server: files that users upload, under the names that they give them."""
