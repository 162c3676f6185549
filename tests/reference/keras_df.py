"""Deep Fingerprinting in Keras, as its authors published it.

KERAS_BACKEND must be set before this is imported.
"""

import keras
from keras import layers


def deep_fingerprinting(length, classes, dropout=(0.1, 0.7, 0.5)):
    """Logits of [batch, length, 1]. `dropout`: after each block, and after the
    two dense layers."""
    model = keras.Sequential([layers.Input((length, 1))])
    for block, filters in enumerate((32, 64, 128, 256)):
        for _ in range(2):
            model.add(layers.Conv1D(filters, 8, strides=1, padding="same"))
            model.add(layers.BatchNormalization(axis=-1))
            model.add(layers.ELU(1.0) if block == 0 else layers.Activation("relu"))
        model.add(layers.MaxPooling1D(8, strides=4, padding="same"))
        model.add(layers.Dropout(dropout[0]))
    model.add(layers.Flatten())
    for rate in dropout[1:]:
        model.add(layers.Dense(512))
        model.add(layers.BatchNormalization())
        model.add(layers.Activation("relu"))
        model.add(layers.Dropout(rate))
    model.add(layers.Dense(classes))
    return model
