"""A multilayer perceptron in nothing but matrix products: no framework has to be started.

For so small a network, what a framework takes to be imported and to trace a graph is more than
the training itself. Backpropagation is that of Rumelhart, Hinton and Williams ("Learning
representations by back-propagating errors", Nature 323, 1986, https://doi.org/10.1038/323533a0).
"""
