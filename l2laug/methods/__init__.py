"""Other methods of few-shot generation, in the one harness.

A method is a file: its networks' parts, its losses, and how it learns a rare class. All else is
shared: data, body of the critic, loop, checkpoints, bundle, export, sampling, scores.

- :class:`l2laug.methods.learning.method.Method` is what a file holds: a generator that is kept, a
  critic, helpers that learn along with the generator, and the terms of both losses on an episode.
- An episode is a batch of classes with K images of each.
- What is kept draws as :class:`l2laug.nn.methods.drawer.Drawer` says: support images are encoded
  once, and latents, standard normal, decide all that varies. A method that takes other noise, or
  weights between images, computes them from the latent, so that one input serves all and nothing
  is random in the exported graph.
- Most methods learn nothing from a rare class; those that do override
  :meth:`~l2laug.methods.learning.method.Method.learn_rare`.
- :func:`l2laug.methods.registry.build_method` finds a method by its name in a recipe.
"""
