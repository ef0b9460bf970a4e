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

Value NewValue(FunctionCallInfo fcinfo, int column) {
  Value value;
  value.datum = heap_getattr(Call(fcinfo)->tg_newtuple, column, Call(fcinfo)->tg_relation->rd_att,
                             &value.is_null);
  return value;
}

Value OldValue(FunctionCallInfo fcinfo, int column) {
  Value value;
  value.datum = heap_getattr(Call(fcinfo)->tg_trigtuple, column, Call(fcinfo)->tg_relation->rd_att,
                             &value.is_null);
  return value;
}

}  // namespace

Datum StatementTriggerResult(FunctionCallInfo fcinfo) {
  CallPg([fcinfo] {
    RequireTriggerPg(
        fcinfo, [](TriggerEvent event) { return TRIGGER_FIRED_FOR_STATEMENT(event) != 0; },
        "for each statement");
  });
  return static_cast<Datum>(0);
}

UpdateTrigger::UpdateTrigger(FunctionCallInfo fcinfo) : fcinfo_(fcinfo) {
  CallPg([fcinfo] {
    RequireTriggerPg(
        fcinfo,
        [](TriggerEvent event) {
          return TRIGGER_FIRED_BEFORE(event) && TRIGGER_FIRED_FOR_ROW(event) &&
                 TRIGGER_FIRED_BY_UPDATE(event);
        },
        "before update for each row");
  });
}

int UpdateTrigger::Column(const char* name) const {
  const TriggerData* const call = Call(fcinfo_);
  return CallPg([call, name] { return ColumnPg(call, name); });
}

bool UpdateTrigger::Changed(int column) const {
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

bool UpdateTrigger::IsNull(int column) const { return NewValue(fcinfo_, column).is_null; }

std::int32_t UpdateTrigger::Int(int column) const {
  return DatumGetInt32(NewValue(fcinfo_, column).datum);
}

UuidBytes UpdateTrigger::Uuid(int column) const {
  UuidBytes uuid;
  std::memcpy(uuid.data(), DatumGetUUIDP(NewValue(fcinfo_, column).datum)->data, uuid.size());
  return uuid;
}

std::uint32_t UpdateTrigger::EnumOid(int column) const {
  return DatumGetObjectId(NewValue(fcinfo_, column).datum);
}

std::optional<std::string> UpdateTrigger::Text(int column) const {
  const Value value = NewValue(fcinfo_, column);
  if (value.is_null) {
    return std::nullopt;
  }
  const Datum datum = value.datum;
  return Utf8FromServer(CallPg([datum] { return TextDatumGetCString(datum); }));
}

Datum UpdateTrigger::Unchanged() const { return PointerGetDatum(Call(fcinfo_)->tg_newtuple); }

Datum UpdateTrigger::With(int column, std::optional<Timestamp> value) const {
  const FunctionCallInfo fcinfo = fcinfo_;
  bool is_null = !value;
  Datum datum = value ? ReturnTimestamp(*value) : static_cast<Datum>(0);
  return CallPg([fcinfo, column, datum, is_null]() mutable {
    return PointerGetDatum(heap_modify_tuple_by_cols(Call(fcinfo)->tg_newtuple,
                                                     Call(fcinfo)->tg_relation->rd_att, 1, &column,
                                                     &datum, &is_null));
  });
}

std::string EnumLabel(std::uint32_t oid) {
  return Utf8FromServer(CallPg(
      [oid] { return DatumGetCString(DirectFunctionCall1(enum_out, ObjectIdGetDatum(oid))); }));
}

Timestamp TransactionTime() { return TimestampFromServer(GetCurrentTransactionStartTimestamp()); }

}  // namespace switchboard::pg
