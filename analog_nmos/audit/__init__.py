"""How far a learning rule's update is from the gradient of the loss, taken apart (`nmos-audit`).

`options` and `rules` say what is compared; `bench` solves circuits; `components` makes updates of their states, one
step from the rule to the gradient after the other; `study` does so for samples and epochs; the rest writes it down.
"""
