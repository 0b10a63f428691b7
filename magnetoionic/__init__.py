"""Networks whose weights are pairs of magneto-ionic devices."""
