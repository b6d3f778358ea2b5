import pytest
from aiokafka.errors import RequestTimedOutError
from bson.errors import InvalidDocument
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    DocumentTooLarge,
    DuplicateKeyError,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WriteError,
)

from shared.errors import Fenced, Unpublished
from shared.failures import is_transient


def labelled(error: PyMongoError) -> PyMongoError:
    error._add_error_label("TransientTransactionError")
    return error


@pytest.mark.parametrize(
    "error",
    [
        Fenced(),
        Unpublished(),
        TimeoutError(),
        ConnectionResetError(),
        RequestTimedOutError(),
        AutoReconnect(),
        ServerSelectionTimeoutError(),
        DuplicateKeyError("somebody else's position", 11_000),
        OperationFailure("not authorised: no record's fault", 13),
        OperationFailure("out of disk space", 14_031),
        labelled(BulkWriteError({"writeErrors": []})),
    ],
)
def test_what_a_retry_can_cure(error: Exception) -> None:
    assert is_transient(error)


@pytest.mark.parametrize(
    "error",
    [
        ZeroDivisionError(),
        KeyError("x"),
        OverflowError(),
        DocumentTooLarge("x"),
        InvalidDocument("x"),
        WriteError("too large", 17_419),
        BulkWriteError({"writeErrors": [{"code": 121}]}),
        OperationFailure("too large", 10_334),
        OperationFailure("the transaction is too large", 257),
    ],
)
def test_what_is_a_bug(error: Exception) -> None:
    assert not is_transient(error)
