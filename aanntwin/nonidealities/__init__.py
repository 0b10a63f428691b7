"""What a circuit does to its signals: each imperfection is a class, ours here and a user's own anywhere."""
