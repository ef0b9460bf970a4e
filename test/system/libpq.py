"""A connection that stays open and hears notifications: libpq by ctypes, because the tests use the standard library only."""
import ctypes
import ctypes.util
import json
import select
import time


class _Notify(ctypes.Structure):
    _fields_ = [("channel", ctypes.c_char_p), ("pid", ctypes.c_int), ("payload", ctypes.c_char_p)]


def _library():
    library = ctypes.CDLL(ctypes.util.find_library("pq") or "libpq.so.5")
    pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    for name, result, arguments in (
            ("PQconnectdb", pointer, [text]), ("PQstatus", number, [pointer]), ("PQfinish", None, [pointer]),
            ("PQerrorMessage", text, [pointer]), ("PQexec", pointer, [pointer, text]),
            ("PQresultStatus", number, [pointer]), ("PQresultErrorField", text, [pointer, number]),
            ("PQntuples", number, [pointer]), ("PQnfields", number, [pointer]),
            ("PQgetvalue", text, [pointer, number, number]), ("PQgetisnull", number, [pointer, number, number]),
            ("PQclear", None, [pointer]), ("PQsocket", number, [pointer]), ("PQconsumeInput", number, [pointer]),
            ("PQnotifies", ctypes.POINTER(_Notify), [pointer]), ("PQfreemem", None, [pointer])):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


class SqlError(Exception):
    def __init__(self, sqlstate, message):
        super().__init__(message)
        self.sqlstate = sqlstate


class Connection:
    _pq = _library()

    def __init__(self, conninfo):
        self._connection = self._pq.PQconnectdb(conninfo.encode())
        if self._pq.PQstatus(self._connection) != 0:
            raise ConnectionError(self._pq.PQerrorMessage(self._connection).decode())

    def close(self):
        if self._connection:
            self._pq.PQfinish(self._connection)
            self._connection = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def execute(self, sql):
        """Rows of texts."""
        result = self._pq.PQexec(self._connection, sql.encode())
        try:
            if self._pq.PQresultStatus(result) not in (1, 2):  # command, tuples
                sqlstate = self._pq.PQresultErrorField(result, ord("C"))
                raise SqlError(sqlstate.decode() if sqlstate else None,
                               self._pq.PQerrorMessage(self._connection).decode())
            return [[None if self._pq.PQgetisnull(result, row, column)
                     else self._pq.PQgetvalue(result, row, column).decode()
                     for column in range(self._pq.PQnfields(result))]
                    for row in range(self._pq.PQntuples(result))]
        finally:
            self._pq.PQclear(result)

    def value(self, sql):
        return self.execute(sql)[0][0]

    def notifications(self, timeout=0.0):
        """What has been heard: the payloads, read as JSON. Waits for the first until the time is over."""
        heard = []
        deadline = time.monotonic() + timeout
        while True:
            self._pq.PQconsumeInput(self._connection)
            while notify := self._pq.PQnotifies(self._connection):
                heard.append(json.loads(notify.contents.payload))
                self._pq.PQfreemem(notify)
            left = deadline - time.monotonic()
            if heard or left <= 0:
                return heard
            select.select([self._pq.PQsocket(self._connection)], [], [], left)
