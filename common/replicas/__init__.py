"""Train many networks of one architecture side by side, each with its own random numbers.

A network among R is called a replica. All parameters of all replicas lie in one `Bank`; activations are R x batch x
width; one product, one kernel, one update serves them all. On the CPU with a fixed number of threads a replica's
numbers are, to the last bit, those it has alone (R = 1); on a GPU they agree to rounding.

    bank        parameters in one R x size tensor, as views by name; state_dict of one replica; snapshots
    initial     PyTorch's default initialisation, each replica from its own generator
    product     stacked matrix products whose slices have the bits of a product alone
    linear      forward and backward of stacked linear layers, written out
    conv        stacked convolutions (for autograd)
    activations relu, tanh, sigmoid, leaky_relu, gelu: forward and backward, written out
    loss        cross-entropy: loss, gradient and hits
    adam        Adam and AdamW with a learning rate and weight decay per replica
    batches     epoch orders from named streams; images held once as bytes, gathered into batches
    counter     random numbers as a function of (stream, epoch, sample, position): free of batches and threads
    dropout     dropout by such numbers: nothing to store, backward makes the mask again
    evaluate    loss and accuracy of all replicas on one image set
    choose      how many to stack, by measurement

Nothing here is imported by a command before its options are checked: the modules load torch and numba.
"""
