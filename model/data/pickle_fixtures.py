"""Prints the entries of pickle_fixtures.h that this Python and numpy make.

The header holds what Python 2.7 with numpy 1.16, and Python 3.11 with numpy
1.26 and 2.4 printed. Runs under Python 2 and 3.
"""
from __future__ import print_function
import binascii
import pickle
import sys

import numpy

ROWS = [[1, -1, -1, 1], [1, -1], [1, 1, -1, 1, -1, -1]]
SQUARE = [[1, -1, -1, 1], [1, -1, 0, 0], [-1, 1, 1, 0]]


def objects():
    array = numpy.empty(3, dtype=object)
    array[:] = ROWS
    return array


WHAT = {
    'lists': ROWS,
    'tuples': tuple(tuple(row) for row in ROWS),
    'reals': [[float(x) for x in row] for row in ROWS],
    'times': [[0.5, -1.25], [0.25]],
    'long': [[300, -300, 70000, 2**40, -2**40]],
    'array': numpy.array(SQUARE, dtype='int8'),
    'wide': numpy.array(SQUARE, dtype='int64'),
    'single': numpy.array(SQUARE, dtype='float32'),
    'arrays': [numpy.array(row, dtype='int64') for row in ROWS],
    'objects': objects(),
    'empty': [numpy.array([], dtype='int8'), numpy.array([1, -1], 'int8')],
    'scalars': [[numpy.int64(x) for x in row] for row in ROWS],
    'labels': [0, 1, 1],
    'real_labels': numpy.array([0., 1., 1.]),
    'names': ['b.org', u'a\xe4', 'b.org'],
    'name_array': numpy.array([u'b.org', u'a\xe4', u'b.org']),
    'byte_array': numpy.array([b'b', b'a', b'b']),
}

version = 'Python %d, numpy %s' % (sys.version_info[0],
                                   '.'.join(numpy.__version__.split('.')[:2]))
makers = {'pickle': pickle}
if sys.version_info[0] == 2:
    import cPickle
    makers['cPickle'] = cPickle

for wanted in sys.argv[1:]:
    name, protocols = wanted.split('=')
    for protocol in protocols:
        for module in sorted(makers):
            data = makers[module].dumps(WHAT[name], int(protocol))
            text = binascii.hexlify(data).decode()
            print('    {"%s", "%s, %s %s",' % (name, version, module, protocol))
            for at in range(0, len(text), 70):
                end = '},' if at + 70 >= len(text) else ''
                print('     "%s"%s' % (text[at:at + 70], end))
