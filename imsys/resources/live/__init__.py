"""Live streams: from one publisher, through a bounded cache, to everybody who watches."""
