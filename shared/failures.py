"""Which failures a retry can cure. What is not known to be the data's fault is the world's."""

from aiokafka.errors import KafkaError
from bson.errors import BSONError
from pymongo.errors import (
    BulkWriteError,
    DocumentTooLarge,
    DuplicateKeyError,
    OperationFailure,
    PyMongoError,
    WriteError,
)

from shared.errors import Transient

BAD_DATA = frozenset({2, 9, 14, 15, 22, 52, 55, 56, 57, 59, 66, 121, 257, 10334, 17280, 17419, 17420})
"""mongod's codes for what cannot be written however often one tries: wrong types and names, too large, invalid."""


def is_transient(error: BaseException) -> bool:
    """True for what a retry can cure; anything else is a bug."""
    if isinstance(error, (DocumentTooLarge, BSONError)):
        return False
    if isinstance(error, OperationFailure) and not error.has_error_label("TransientTransactionError"):
        refused = isinstance(error, (WriteError, BulkWriteError)) and not isinstance(error, DuplicateKeyError)
        return not refused and error.code not in BAD_DATA
    return isinstance(error, (Transient, PyMongoError, KafkaError, OSError, TimeoutError))
