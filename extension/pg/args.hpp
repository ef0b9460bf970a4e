#pragma once
// Arguments and results of SQL-callable functions. Free of server headers.
//
// Text is UTF-8 on this side of the border: converted from and to the server encoding, and checked
// (22021) when the database is SQL_ASCII and promises nothing. Reading an argument detoasts it
// once; a NULL argument that the function is not declared STRICT for must be asked for with the Opt
// form.

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "extension/pg/types.hpp"

namespace switchboard::pg {

using Timestamp = std::chrono::sys_time<std::chrono::microseconds>;
using UuidBytes = std::array<unsigned char, 16>;

bool ArgIsNull(FunctionCallInfo fcinfo, int n);

std::string ArgText(FunctionCallInfo fcinfo, int n);
std::optional<std::string> OptArgText(FunctionCallInfo fcinfo, int n);
std::string ArgBytes(FunctionCallInfo fcinfo, int n);  // bytea
std::string ArgJson(FunctionCallInfo fcinfo, int n);   // jsonb, as JSON text
std::optional<std::string> OptArgJson(FunctionCallInfo fcinfo, int n);
std::string ArgNumeric(FunctionCallInfo fcinfo, int n);  // numeric, as decimal text
std::optional<std::string> OptArgNumeric(FunctionCallInfo fcinfo, int n);
UuidBytes ArgUuid(FunctionCallInfo fcinfo, int n);
std::optional<UuidBytes> OptArgUuid(FunctionCallInfo fcinfo, int n);
std::int32_t ArgInt(FunctionCallInfo fcinfo, int n);
std::uint32_t ArgOid(FunctionCallInfo fcinfo, int n);
bool ArgBool(FunctionCallInfo fcinfo, int n);
// timestamptz; 22008 for an infinite one, which no clock calculation survives.
Timestamp ArgTimestamp(FunctionCallInfo fcinfo, int n);
// Nothing for an infinite one as for NULL.
std::optional<Timestamp> OptArgFiniteTimestamp(FunctionCallInfo fcinfo, int n);
std::chrono::microseconds ArgTime(FunctionCallInfo fcinfo, int n);  // time, since midnight
std::int64_t ArgBigint(FunctionCallInfo fcinfo, int n);
// bigint[]; the numbers live as long as the call. 22004 when one of them is null.
std::span<const std::int64_t> ArgBigintArray(FunctionCallInfo fcinfo, int n);
std::span<const double> ArgDoubleArray(FunctionCallInfo fcinfo, int n);  // float8[], likewise

Datum ReturnNull(FunctionCallInfo fcinfo);
Datum ReturnVoid();
Datum ReturnBool(bool value);
Datum ReturnBigint(std::int64_t value);
Datum ReturnText(std::string_view utf8);
Datum ReturnOptText(FunctionCallInfo fcinfo, const std::optional<std::string>& utf8);
Datum ReturnJson(const std::string& utf8);  // jsonb; 22P02 for text that is no JSON
Datum ReturnTextArray(std::span<const std::string> utf8);
Datum ReturnBigintArray(std::span<const std::int64_t> numbers);
Datum ReturnDoubleArray(std::span<const double> numbers);
Datum ReturnOptInt(FunctionCallInfo fcinfo, std::optional<std::int32_t> number);
Datum ReturnUuid(const UuidBytes& uuid);
Datum ReturnTimestamp(Timestamp at);
Datum ReturnOptTimestamp(FunctionCallInfo fcinfo, std::optional<Timestamp> at);

// One row of the function's declared OUT columns, each given as text and read by its type's input
// function.
Datum ReturnRow(FunctionCallInfo fcinfo, std::span<const std::string> columns);

// Whether the database takes any UTF-8: its encoding is that, or none.
bool TakesUtf8();

// Conversions for whoever handles server values elsewhere; a server timestamp is microseconds since
// 2000.
Timestamp TimestampFromServer(std::int64_t microseconds);
std::string Utf8FromServer(std::string_view text);
std::string ServerFromUtf8(std::string_view text);

}  // namespace switchboard::pg
