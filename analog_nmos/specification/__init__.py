"""How much of each imperfection of a chip trained gates bear: levels, the search for limits, and how they are told."""
