#include "extension/pg/trigger.hpp"

#include "extension/pg/guard.hpp"

namespace switchboard::pg {
namespace {

const TriggerData* CalledAsTriggerPg(FunctionCallInfo fcinfo) {
  if (!CALLED_AS_TRIGGER(fcinfo)) {
    ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                    errmsg("trigger function called as a plain function")));
  }
  return castNode(TriggerData, fcinfo->context);
}

const TriggerData* CalledBeforeUpdateRowPg(FunctionCallInfo fcinfo) {
  const TriggerData* const call = CalledAsTriggerPg(fcinfo);
  if (!TRIGGER_FIRED_BEFORE(call->tg_event) || !TRIGGER_FIRED_FOR_ROW(call->tg_event) ||
      !TRIGGER_FIRED_BY_UPDATE(call->tg_event)) {
    ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                    errmsg("trigger \"%s\" must be fired before update for each row",
                           call->tg_trigger->tgname)));
  }
  return call;
}

int ColumnPg(const TriggerData* call, const char* column) {
  const int number = SPI_fnumber(call->tg_relation->rd_att, column);
  if (number <= 0) {
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
                    errmsg("table \"%s\" has no column \"%s\"",
                           RelationGetRelationName(call->tg_relation), column)));
  }
  return number;
}

Datum RowStampedWithNowPg(FunctionCallInfo fcinfo, const char* column) {
  const TriggerData* const call = CalledBeforeUpdateRowPg(fcinfo);
  int number = ColumnPg(call, column);
  Datum now = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
  bool is_null = false;
  return PointerGetDatum(heap_modify_tuple_by_cols(call->tg_newtuple, call->tg_relation->rd_att, 1,
                                                   &number, &now, &is_null));
}

Datum StatementTriggerResultPg(FunctionCallInfo fcinfo) {
  const TriggerData* const call = CalledAsTriggerPg(fcinfo);
  if (!TRIGGER_FIRED_FOR_STATEMENT(call->tg_event)) {
    ereport(ERROR,
            (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
             errmsg("trigger \"%s\" must be fired for each statement", call->tg_trigger->tgname)));
  }
  return PointerGetDatum(nullptr);
}

}  // namespace

Datum RowStampedWithNow(FunctionCallInfo fcinfo, const char* column) {
  return CallPg([fcinfo, column] { return RowStampedWithNowPg(fcinfo, column); });
}

Datum StatementTriggerResult(FunctionCallInfo fcinfo) {
  return CallPg([fcinfo] { return StatementTriggerResultPg(fcinfo); });
}

}  // namespace switchboard::pg
