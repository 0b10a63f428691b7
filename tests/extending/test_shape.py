"""The recipe of a shape of networks: built, described and drawn from a folder of a user's own."""

from analog_nmos.topology import load_topology


def test_a_shape_of_a_users_own(recipe, tmp_path):
    own = recipe("A shape of networks")
    assert own.run(own.commands[0]) == "5 edges written to chain.npz\n"
    network = load_topology(tmp_path / "chain.npz")
    assert network.meta == {"kind": "chain:Chain", "length": 5}
    assert network.hidden_nodes.tolist() == [5, 6, 7]
    assert (network.edges_D.tolist(), network.edges_S.tolist()) == ([4, 5, 6, 7, 3], [5, 6, 7, 3, 1])
    assert "hidden nodes:     3" in own.run(own.commands[1])
    assert "chain_graph.png" in own.run(own.commands[2])


def test_its_options_are_checked(recipe):
    own = recipe("A shape of networks")
    assert "--length" in own.run("nmos-topology build chain:Chain --help")
    printed = own.run("nmos-topology build chain:Chain chain.npz --length 1", code=2)
    assert "1 is out of range; it must be at least 2" in printed
    assert own.run("nmos-topology build chain:Chian x.npz", code=2).startswith("error: shape chain:Chian: no Chian")
