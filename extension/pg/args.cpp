#include "extension/pg/args.hpp"

#include "extension/pg/guard.hpp"

namespace switchboard::pg {
namespace {

// Seconds between the two epochs, 1970 and 2000.
constexpr std::chrono::microseconds kEpochShift{
    static_cast<std::int64_t>(POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY};

struct Bytes {
  const char* data;
  size_t size;
};

Bytes ArgVarlena(FunctionCallInfo fcinfo, int n) {
  const Datum datum = PG_GETARG_DATUM(n);
  return CallPg([datum] {
    const varlena* const value = PG_DETOAST_DATUM_PACKED(datum);
    return Bytes{VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)};
  });
}

bool IsAscii(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](unsigned char c) { return c >= 0x80; });
}

Bytes ConvertPg(Bytes from, bool to_server) {
  const int size = static_cast<int>(from.size);
  const char* const to = to_server ? pg_any_to_server(from.data, size, PG_UTF8)
                                   : pg_server_to_any(from.data, size, PG_UTF8);
  if (!to_server && GetDatabaseEncoding() == PG_SQL_ASCII) {
    pg_verify_mbstr(PG_UTF8, to, size, false);
  }
  return {to, to == from.data ? from.size : std::strlen(to)};
}

std::string Convert(std::string_view text, bool to_server) {
  if (GetDatabaseEncoding() == PG_UTF8 || IsAscii(text)) {
    return std::string(text);
  }
  const Bytes from{text.data(), text.size()};
  const Bytes to = CallPg([from, to_server] { return ConvertPg(from, to_server); });
  return std::string(to.data, to.size);
}

Datum TextDatumPg(const char* data, size_t size) {
  return PointerGetDatum(cstring_to_text_with_len(data, static_cast<int>(size)));
}

// What the server stores as text holds no NUL byte.
void RejectNul(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) {
    CallPg([] {
      ereport(ERROR, (errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE),
                      errmsg("text must not contain a null byte")));
    });
  }
}

Datum RowPg(FunctionCallInfo fcinfo, char** columns, int count) {
  TupleDesc desc;
  if (get_call_result_type(fcinfo, nullptr, &desc) != TYPEFUNC_COMPOSITE || desc->natts != count) {
    elog(ERROR, "the function is not declared to return %d columns", count);
  }
  return HeapTupleGetDatum(BuildTupleFromCStrings(TupleDescGetAttInMetadata(desc), columns));
}

const ArrayType* ArrayPg(Datum datum) {
  const ArrayType* const array = DatumGetArrayTypeP(datum);
  if (array_contains_nulls(const_cast<ArrayType*>(array))) {
    ereport(ERROR,
            (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("array must not contain nulls")));
  }
  return array;
}

Datum ArrayDatumPg(Oid type, const void* elements, int count, Size element_size) {
  const Size bytes = static_cast<Size>(count) * element_size;
  ArrayType* const array = static_cast<ArrayType*>(palloc0(ARR_OVERHEAD_NONULLS(1) + bytes));
  SET_VARSIZE(array, ARR_OVERHEAD_NONULLS(1) + bytes);
  array->ndim = 1;
  array->elemtype = type;
  ARR_DIMS(array)[0] = count;
  ARR_LBOUND(array)[0] = 1;
  std::memcpy(ARR_DATA_PTR(array), elements, bytes);
  return PointerGetDatum(array);
}

// Of a type whose elements lie one after the other as C++ has them.
template <class Number>
std::span<const Number> ArgArray(FunctionCallInfo fcinfo, int n) {
  const Datum datum = PG_GETARG_DATUM(n);
  const ArrayType* const array = CallPg([datum] { return ArrayPg(datum); });
  const auto size = static_cast<size_t>(ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)));
  return {reinterpret_cast<const Number*>(ARR_DATA_PTR(array)), size};
}

template <class Number>
Datum ReturnArray(Oid type, std::span<const Number> numbers) {
  const Number* const data = numbers.data();
  const int count = static_cast<int>(numbers.size());
  return CallPg([type, data, count] { return ArrayDatumPg(type, data, count, sizeof(Number)); });
}

}  // namespace

bool TakesUtf8() {
  return GetDatabaseEncoding() == PG_UTF8 || GetDatabaseEncoding() == PG_SQL_ASCII;
}

std::string Utf8FromServer(std::string_view text) { return Convert(text, false); }
std::string ServerFromUtf8(std::string_view text) { return Convert(text, true); }

Timestamp TimestampFromServer(std::int64_t microseconds) {
  return Timestamp(std::chrono::microseconds(microseconds) + kEpochShift);
}

bool ArgIsNull(FunctionCallInfo fcinfo, int n) { return PG_ARGISNULL(n); }

std::string ArgText(FunctionCallInfo fcinfo, int n) {
  const Bytes bytes = ArgVarlena(fcinfo, n);
  return Utf8FromServer({bytes.data, bytes.size});
}

std::optional<std::string> OptArgText(FunctionCallInfo fcinfo, int n) {
  if (ArgIsNull(fcinfo, n)) {
    return std::nullopt;
  }
  return ArgText(fcinfo, n);
}

std::string ArgBytes(FunctionCallInfo fcinfo, int n) {
  const Bytes bytes = ArgVarlena(fcinfo, n);
  return std::string(bytes.data, bytes.size);
}

std::string ArgJson(FunctionCallInfo fcinfo, int n) {
  const Datum datum = PG_GETARG_DATUM(n);
  const char* const text = CallPg([datum] {
    Jsonb* const json = DatumGetJsonbP(datum);
    return JsonbToCString(nullptr, &json->root, static_cast<int>(VARSIZE(json)));
  });
  return Utf8FromServer(text);
}

std::optional<std::string> OptArgJson(FunctionCallInfo fcinfo, int n) {
  if (ArgIsNull(fcinfo, n)) {
    return std::nullopt;
  }
  return ArgJson(fcinfo, n);
}

std::string ArgNumeric(FunctionCallInfo fcinfo, int n) {
  const Datum datum = PG_GETARG_DATUM(n);
  return CallPg([datum] { return DatumGetCString(DirectFunctionCall1(numeric_out, datum)); });
}

std::optional<std::string> OptArgNumeric(FunctionCallInfo fcinfo, int n) {
  if (ArgIsNull(fcinfo, n)) {
    return std::nullopt;
  }
  return ArgNumeric(fcinfo, n);
}

UuidBytes ArgUuid(FunctionCallInfo fcinfo, int n) {
  UuidBytes uuid;
  std::memcpy(uuid.data(), PG_GETARG_UUID_P(n)->data, uuid.size());
  return uuid;
}

std::optional<UuidBytes> OptArgUuid(FunctionCallInfo fcinfo, int n) {
  if (ArgIsNull(fcinfo, n)) {
    return std::nullopt;
  }
  return ArgUuid(fcinfo, n);
}

std::int32_t ArgInt(FunctionCallInfo fcinfo, int n) { return PG_GETARG_INT32(n); }

std::uint32_t ArgOid(FunctionCallInfo fcinfo, int n) { return PG_GETARG_OID(n); }

bool ArgBool(FunctionCallInfo fcinfo, int n) { return PG_GETARG_BOOL(n); }

Timestamp ArgTimestamp(FunctionCallInfo fcinfo, int n) {
  const TimestampTz value = PG_GETARG_TIMESTAMPTZ(n);
  if (TIMESTAMP_NOT_FINITE(value)) {
    CallPg([] {
      ereport(ERROR,
              (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("timestamp must be finite")));
    });
  }
  return TimestampFromServer(value);
}

std::optional<Timestamp> OptArgFiniteTimestamp(FunctionCallInfo fcinfo, int n) {
  if (ArgIsNull(fcinfo, n) || TIMESTAMP_NOT_FINITE(PG_GETARG_TIMESTAMPTZ(n))) {
    return std::nullopt;
  }
  return TimestampFromServer(PG_GETARG_TIMESTAMPTZ(n));
}

std::chrono::microseconds ArgTime(FunctionCallInfo fcinfo, int n) {
  return std::chrono::microseconds(DatumGetTimeADT(PG_GETARG_DATUM(n)));
}

std::int64_t ArgBigint(FunctionCallInfo fcinfo, int n) { return PG_GETARG_INT64(n); }

std::span<const std::int64_t> ArgBigintArray(FunctionCallInfo fcinfo, int n) {
  return ArgArray<std::int64_t>(fcinfo, n);
}

std::span<const double> ArgDoubleArray(FunctionCallInfo fcinfo, int n) {
  return ArgArray<double>(fcinfo, n);
}

Datum ReturnNull(FunctionCallInfo fcinfo) {
  fcinfo->isnull = true;
  return static_cast<Datum>(0);
}

Datum ReturnVoid() { return static_cast<Datum>(0); }

Datum ReturnBool(bool value) { return BoolGetDatum(value); }

Datum ReturnText(std::string_view utf8) {
  RejectNul(utf8);
  const std::string text = ServerFromUtf8(utf8);
  const char* const data = text.data();
  const size_t size = text.size();
  return CallPg([data, size] { return TextDatumPg(data, size); });
}

Datum ReturnOptText(FunctionCallInfo fcinfo, const std::optional<std::string>& utf8) {
  return utf8 ? ReturnText(*utf8) : ReturnNull(fcinfo);
}

Datum ReturnJson(const std::string& utf8) {
  RejectNul(utf8);
  std::string text = ServerFromUtf8(utf8);
  char* const data = text.data();
  return CallPg([data] { return DirectFunctionCall1(jsonb_in, CStringGetDatum(data)); });
}

Datum ReturnTextArray(std::span<const std::string> utf8) {
  std::vector<Datum> elements;
  elements.reserve(utf8.size());
  for (const std::string& text : utf8) {
    elements.push_back(ReturnText(text));
  }
  Datum* const data = elements.data();
  const int count = static_cast<int>(elements.size());
  return CallPg([data, count] {
    return PointerGetDatum(construct_array(data, count, TEXTOID, -1, false, TYPALIGN_INT));
  });
}

Datum ReturnBigintArray(std::span<const std::int64_t> numbers) {
  return ReturnArray(INT8OID, numbers);
}

Datum ReturnDoubleArray(std::span<const double> numbers) { return ReturnArray(FLOAT8OID, numbers); }

Datum ReturnBigint(std::int64_t value) { return Int64GetDatum(value); }

Datum ReturnOptInt(FunctionCallInfo fcinfo, std::optional<std::int32_t> number) {
  return number ? Int32GetDatum(*number) : ReturnNull(fcinfo);
}

Datum ReturnUuid(const UuidBytes& uuid) {
  static_assert(sizeof(pg_uuid_t) == std::tuple_size_v<UuidBytes>);
  const unsigned char* const bytes = uuid.data();
  return CallPg([bytes] {
    pg_uuid_t* const value = static_cast<pg_uuid_t*>(palloc(sizeof(pg_uuid_t)));
    std::memcpy(value->data, bytes, sizeof(value->data));
    return UUIDPGetDatum(value);
  });
}

Datum ReturnTimestamp(Timestamp at) {
  return TimestampTzGetDatum((at.time_since_epoch() - kEpochShift).count());
}

Datum ReturnOptTimestamp(FunctionCallInfo fcinfo, std::optional<Timestamp> at) {
  return at ? ReturnTimestamp(*at) : ReturnNull(fcinfo);
}

Datum ReturnRow(FunctionCallInfo fcinfo, std::span<const std::string> columns) {
  std::vector<std::string> texts;
  for (const std::string& column : columns) {
    texts.push_back(ServerFromUtf8(column));
  }
  std::vector<char*> pointers;
  for (std::string& text : texts) {
    pointers.push_back(text.data());
  }
  char** const data = pointers.data();
  const int count = static_cast<int>(pointers.size());
  return CallPg([fcinfo, data, count] { return RowPg(fcinfo, data, count); });
}

}  // namespace switchboard::pg
