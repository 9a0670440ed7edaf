"""``kikimimi replay``: stored clips and recordings through two bundles, side by side."""
