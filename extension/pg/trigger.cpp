#include "extension/pg/trigger.hpp"

#include "extension/pg/guard.hpp"

namespace switchboard::pg {
namespace {

const TriggerData* Call(FunctionCallInfo fcinfo) {
  return reinterpret_cast<const TriggerData*>(fcinfo->context);
}

void RequireTriggerPg(FunctionCallInfo fcinfo, bool (*fits)(TriggerEvent), const char* when) {
  if (!CALLED_AS_TRIGGER(fcinfo)) {
    ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                    errmsg("trigger function called as a plain function")));
  }
  if (!fits(Call(fcinfo)->tg_event)) {
    ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                    errmsg("trigger \"%s\" must fire %s", Call(fcinfo)->tg_trigger->tgname, when)));
  }
}

int ColumnPg(const TriggerData* call, const char* name) {
  const int column = SPI_fnumber(call->tg_relation->rd_att, name);
  if (column <= 0) {
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
                    errmsg("table \"%s\" has no column \"%s\"",
                           RelationGetRelationName(call->tg_relation), name)));
  }
  return column;
}

struct Value {
  Datum datum;
  bool is_null;
};

bool FiredByInsert(FunctionCallInfo fcinfo) {
  return TRIGGER_FIRED_BY_INSERT(Call(fcinfo)->tg_event) != 0;
}

HeapTuple NewRow(FunctionCallInfo fcinfo) {
  return FiredByInsert(fcinfo) ? Call(fcinfo)->tg_trigtuple : Call(fcinfo)->tg_newtuple;
}

Value ColumnOf(HeapTuple row, FunctionCallInfo fcinfo, int column) {
  Value value;
  value.datum = heap_getattr(row, column, Call(fcinfo)->tg_relation->rd_att, &value.is_null);
  return value;
}

Value NewValue(FunctionCallInfo fcinfo, int column) {
  return ColumnOf(NewRow(fcinfo), fcinfo, column);
}

Value OldValue(FunctionCallInfo fcinfo, int column) {
  return ColumnOf(Call(fcinfo)->tg_trigtuple, fcinfo, column);
}

std::optional<std::string> TextOf(Value value) {
  if (value.is_null) {
    return std::nullopt;
  }
  const Datum datum = value.datum;
  return Utf8FromServer(CallPg([datum] { return TextDatumGetCString(datum); }));
}

const char* JsonbTextPg(Datum datum) {
  Jsonb* const json = DatumGetJsonbP(datum);
  return JsonbToCString(nullptr, &json->root, static_cast<int>(VARSIZE(json)));
}

Datum WithColumnsPg(FunctionCallInfo fcinfo, const ColumnValue* values, int count) {
  const TupleDesc shape = Call(fcinfo)->tg_relation->rd_att;
  constexpr int kMost = 4;  // more than any trigger of ours sets
  Datum datums[kMost];
  bool nulls[kMost];
  int columns[kMost];
  if (count > kMost) {
    elog(ERROR, "a trigger sets %d columns", count);
  }
  for (int n = 0; n < count; ++n) {
    columns[n] = values[n].column;
    datums[n] = values[n].datum;
    nulls[n] = values[n].is_null;
  }
  return PointerGetDatum(
      heap_modify_tuple_by_cols(NewRow(fcinfo), shape, count, columns, datums, nulls));
}

bool FiredBeforeRow(TriggerEvent event) {
  return TRIGGER_FIRED_BEFORE(event) && TRIGGER_FIRED_FOR_ROW(event);
}

bool BeforeInsert(TriggerEvent event) {
  return FiredBeforeRow(event) && TRIGGER_FIRED_BY_INSERT(event);
}

bool BeforeUpdate(TriggerEvent event) {
  return FiredBeforeRow(event) && TRIGGER_FIRED_BY_UPDATE(event);
}

bool BeforeInsertOrUpdate(TriggerEvent event) {
  return FiredBeforeRow(event) &&
         (TRIGGER_FIRED_BY_INSERT(event) || TRIGGER_FIRED_BY_UPDATE(event));
}

struct Kind {
  bool (*fits)(TriggerEvent event);
  const char* when;
};

// By TriggerEvents.
constexpr Kind kKinds[] = {
    {BeforeInsert, "before insert for each row"},
    {BeforeUpdate, "before update for each row"},
    {BeforeInsertOrUpdate, "before insert or update for each row"},
};

}  // namespace

Datum StatementTriggerResult(FunctionCallInfo fcinfo) {
  CallPg([fcinfo] {
    RequireTriggerPg(
        fcinfo, [](TriggerEvent event) { return TRIGGER_FIRED_FOR_STATEMENT(event) != 0; },
        "for each statement");
  });
  return static_cast<Datum>(0);
}

ColumnValue TimestampColumn(int column, std::optional<Timestamp> value) {
  return {column, value ? ReturnTimestamp(*value) : static_cast<Datum>(0), !value};
}

ColumnValue BigintColumn(int column, std::int64_t value) {
  return {column, Int64GetDatum(value), false};
}

ColumnValue JsonbColumn(int column, const std::string& json) {
  const std::string in_server_encoding = ServerFromUtf8(json);
  const char* const text = in_server_encoding.c_str();
  return {column, CallPg([text] { return DirectFunctionCall1(jsonb_in, CStringGetDatum(text)); }),
          false};
}

RowTrigger::RowTrigger(FunctionCallInfo fcinfo, TriggerEvents events) : fcinfo_(fcinfo) {
  const Kind* const kind = &kKinds[static_cast<int>(events)];
  CallPg([fcinfo, kind] { RequireTriggerPg(fcinfo, kind->fits, kind->when); });
}

bool RowTrigger::IsInsert() const { return FiredByInsert(fcinfo_); }

int RowTrigger::Column(const char* name) const {
  const TriggerData* const call = Call(fcinfo_);
  return CallPg([call, name] { return ColumnPg(call, name); });
}

bool RowTrigger::Changed(int column) const {
  const FunctionCallInfo fcinfo = fcinfo_;
  return CallPg([fcinfo, column] {
    const Value now = NewValue(fcinfo, column);
    const Value was = OldValue(fcinfo, column);
    const FormData_pg_attribute* const attribute =
        TupleDescAttr(Call(fcinfo)->tg_relation->rd_att, column - 1);
    return now.is_null != was.is_null ||
           (!now.is_null &&
            !datumIsEqual(now.datum, was.datum, attribute->attbyval, attribute->attlen));
  });
}

bool RowTrigger::IsNull(int column) const { return NewValue(fcinfo_, column).is_null; }

std::int32_t RowTrigger::Int(int column) const {
  return DatumGetInt32(NewValue(fcinfo_, column).datum);
}

UuidBytes RowTrigger::Uuid(int column) const {
  UuidBytes uuid;
  std::memcpy(uuid.data(), DatumGetUUIDP(NewValue(fcinfo_, column).datum)->data, uuid.size());
  return uuid;
}

std::uint32_t RowTrigger::EnumOid(int column) const {
  return DatumGetObjectId(NewValue(fcinfo_, column).datum);
}

std::uint32_t RowTrigger::OldEnumOid(int column) const {
  return DatumGetObjectId(OldValue(fcinfo_, column).datum);
}

std::optional<std::string> RowTrigger::Text(int column) const {
  return TextOf(NewValue(fcinfo_, column));
}

std::optional<std::string> RowTrigger::OldText(int column) const {
  return TextOf(OldValue(fcinfo_, column));
}

std::string RowTrigger::Json(int column) const {
  const Datum datum = NewValue(fcinfo_, column).datum;
  return Utf8FromServer(CallPg([datum] { return JsonbTextPg(datum); }));
}

Datum RowTrigger::Unchanged() const { return PointerGetDatum(NewRow(fcinfo_)); }

Datum RowTrigger::With(std::span<const ColumnValue> values) const {
  const FunctionCallInfo fcinfo = fcinfo_;
  const ColumnValue* const first = values.data();
  const int count = static_cast<int>(values.size());
  return CallPg([fcinfo, first, count] { return WithColumnsPg(fcinfo, first, count); });
}

std::string EnumLabel(std::uint32_t oid) {
  return Utf8FromServer(CallPg(
      [oid] { return DatumGetCString(DirectFunctionCall1(enum_out, ObjectIdGetDatum(oid))); }));
}

Timestamp TransactionTime() { return TimestampFromServer(GetCurrentTransactionStartTimestamp()); }

}  // namespace switchboard::pg
