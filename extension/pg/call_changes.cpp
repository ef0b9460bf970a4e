#include "extension/pg/call_changes.hpp"

#include "extension/pg/guard.hpp"

extern "C" {
#include "access/genam.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "commands/sequence.h"
#include "executor/tuptable.h"
#include "utils/tuplestore.h"
}

namespace switchboard::pg {
namespace {

// Columns of call_logs that count, found by name once a statement.
enum Column : int {
  kTenant,
  kCampaign,
  kUser,
  kStartedAt,
  kStatus,
  kDuration,
  kAnsweredAt,
  kDirection,
  kAnsweredBy,
  kAbandoned,
  kColumnCount
};

constexpr const char* kColumnNames[kColumnCount] = {
    "tenant_id", "campaign_id", "user_id",   "started_at",  "status",
    "duration",  "answered_at", "direction", "answered_by", "abandoned"};

struct Reader {
  AttrNumber columns[kColumnCount];
  int last_column;
  Tuplestorestate* gone;
  Tuplestorestate* come;
  TupleTableSlot* slot;
};

struct Table {
  Relation relation;
  CatalogIndexState indexes;
  Oid sequence;
};

const TriggerData* Call(FunctionCallInfo fcinfo) {
  return reinterpret_cast<const TriggerData*>(fcinfo->context);
}

void RequireTransitionTablesPg(FunctionCallInfo fcinfo) {
  if (!CALLED_AS_TRIGGER(fcinfo)) {
    ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                    errmsg("trigger function called as a plain function")));
  }
  const TriggerData* const call = Call(fcinfo);
  const TriggerEvent event = call->tg_event;
  if (!TRIGGER_FIRED_FOR_STATEMENT(event) || TRIGGER_FIRED_BY_TRUNCATE(event) ||
      (!TRIGGER_FIRED_BY_DELETE(event) && call->tg_newtable == nullptr) ||
      (!TRIGGER_FIRED_BY_INSERT(event) && call->tg_oldtable == nullptr)) {
    ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                    errmsg("trigger \"%s\" must fire for each statement that inserts, updates or "
                           "deletes, with its transition tables",
                           call->tg_trigger->tgname)));
  }
}

Reader* OpenReaderPg(FunctionCallInfo fcinfo) {
  RequireTransitionTablesPg(fcinfo);
  Reader* const reader = static_cast<Reader*>(palloc0(sizeof(Reader)));
  const TupleDesc desc = RelationGetDescr(Call(fcinfo)->tg_relation);
  for (int i = 0; i < kColumnCount; ++i) {
    const int column = SPI_fnumber(desc, kColumnNames[i]);
    if (column <= 0) {
      ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
                      errmsg("table \"%s\" has no column \"%s\"",
                             RelationGetRelationName(Call(fcinfo)->tg_relation), kColumnNames[i])));
    }
    reader->columns[i] = static_cast<AttrNumber>(column);
    reader->last_column = std::max(reader->last_column, column);
  }
  const TriggerEvent event = Call(fcinfo)->tg_event;
  reader->gone = TRIGGER_FIRED_BY_INSERT(event) ? nullptr : Call(fcinfo)->tg_oldtable;
  reader->come = TRIGGER_FIRED_BY_DELETE(event) ? nullptr : Call(fcinfo)->tg_newtable;
  reader->slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
  return reader;
}

bool IsLabel(Datum value, const char* label) {
  return std::strcmp(DatumGetCString(DirectFunctionCall1(enum_out, value)), label) == 0;
}

void ReadFactsPg(const Reader* reader, TupleTableSlot* slot, CallFacts* facts) {
  slot_getsomeattrs(slot, reader->last_column);
  const auto is_null = [&](Column c) { return slot->tts_isnull[reader->columns[c] - 1]; };
  const auto value = [&](Column c) { return slot->tts_values[reader->columns[c] - 1]; };
  const auto read_uuid = [&](Column c, UuidBytes* into) {
    if (is_null(c)) {
      return false;
    }
    std::memcpy(into->data(), DatumGetUUIDP(value(c))->data, into->size());
    return true;
  };
  std::memset(static_cast<void*>(facts), 0, sizeof(*facts));
  read_uuid(kTenant, &facts->tenant);
  facts->has_campaign = read_uuid(kCampaign, &facts->campaign);
  facts->has_user = read_uuid(kUser, &facts->user);
  facts->started_at = DatumGetTimestampTz(value(kStartedAt));
  facts->status = DatumGetObjectId(value(kStatus));
  facts->duration = is_null(kDuration) ? 0 : DatumGetInt32(value(kDuration));
  facts->answered = !is_null(kAnsweredAt);
  facts->live = facts->answered && IsLabel(value(kDirection), "outbound") &&
                (is_null(kAnsweredBy) || IsLabel(value(kAnsweredBy), "human") ||
                 IsLabel(value(kAnsweredBy), "unknown"));
  facts->abandoned = DatumGetBool(value(kAbandoned));
}

bool NextPg(Reader* reader, CallFacts* facts, int* sign) {
  while (reader->gone != nullptr || reader->come != nullptr) {
    Tuplestorestate** const rows = reader->gone != nullptr ? &reader->gone : &reader->come;
    if (tuplestore_gettupleslot(*rows, true, false, reader->slot)) {
      *sign = rows == &reader->gone ? -1 : 1;
      ReadFactsPg(reader, reader->slot, facts);
      return true;
    }
    *rows = nullptr;
  }
  ExecDropSingleTupleTableSlot(reader->slot);
  return false;
}

Oid SiblingPg(FunctionCallInfo fcinfo, const char* name) {
  const Oid found = get_relname_relid(name, RelationGetNamespace(Call(fcinfo)->tg_relation));
  if (!OidIsValid(found)) {
    ereport(ERROR,
            (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("relation \"%s\" does not exist", name)));
  }
  return found;
}

Table* OpenTablePg(FunctionCallInfo fcinfo) {
  Table* const table = static_cast<Table*>(palloc(sizeof(Table)));
  table->relation = table_open(SiblingPg(fcinfo, "call_rollup_deltas"), RowExclusiveLock);
  table->indexes = CatalogOpenIndexes(table->relation);
  table->sequence = SiblingPg(fcinfo, "call_rollup_deltas_id_seq");
  return table;
}

// In the order of the columns of call_rollup_deltas.
void AppendPg(const Table* table, const CallDelta* delta) {
  pg_uuid_t ids[3];
  std::memcpy(ids[0].data, delta->of.tenant.data(), UUID_LEN);
  std::memcpy(ids[1].data, delta->of.campaign.data(), UUID_LEN);
  std::memcpy(ids[2].data, delta->of.user.data(), UUID_LEN);
  Datum values[] = {Int64GetDatum(nextval_internal(table->sequence, false)),
                    UUIDPGetDatum(&ids[0]),
                    UUIDPGetDatum(&ids[1]),
                    UUIDPGetDatum(&ids[2]),
                    TimestampTzGetDatum(delta->quarter),
                    ObjectIdGetDatum(delta->of.status),
                    Int32GetDatum(static_cast<int32>(delta->calls)),
                    Int32GetDatum(static_cast<int32>(delta->answered)),
                    Int32GetDatum(static_cast<int32>(delta->live)),
                    Int32GetDatum(static_cast<int32>(delta->abandoned)),
                    Int64GetDatum(delta->seconds),
                    Int64GetDatum(delta->answered_seconds)};
  bool nulls[std::size(values)] = {};
  nulls[2] = !delta->of.has_campaign;
  nulls[3] = !delta->of.has_user;
  const HeapTuple row = heap_form_tuple(RelationGetDescr(table->relation), values, nulls);
  CatalogTupleInsertWithInfo(table->relation, row, table->indexes);
  heap_freetuple(row);
}

void FoldPg(FunctionCallInfo fcinfo) {
  constexpr int kYoungMs = 100;
  if (TimestampDifferenceExceeds(GetCurrentTransactionStartTimestamp(), GetCurrentTimestamp(),
                                 kYoungMs)) {
    return;
  }
  Oid user;
  int context;
  GetUserIdAndSecContext(&user, &context);
  SetUserIdAndSecContext(Call(fcinfo)->tg_relation->rd_rel->relowner,
                         context | SECURITY_LOCAL_USERID_CHANGE);
  SPI_connect();
  SPI_execute("SELECT switchboard._fold_call_rollups(8192)", false, 0);
  SPI_finish();
  SetUserIdAndSecContext(user, context);
}

}  // namespace

CallChanges::CallChanges(FunctionCallInfo fcinfo)
    : reader_(CallPg([fcinfo] { return OpenReaderPg(fcinfo); })) {}

bool CallChanges::Next(CallFacts* facts, int* sign) {
  Reader* const reader = static_cast<Reader*>(reader_);
  return CallPg([reader, facts, sign] { return NextPg(reader, facts, sign); });
}

CallDeltaTable::CallDeltaTable(FunctionCallInfo fcinfo)
    : table_(CallPg([fcinfo] { return OpenTablePg(fcinfo); })) {}

void CallDeltaTable::Append(const CallDelta& delta) {
  const Table* const table = static_cast<const Table*>(table_);
  const CallDelta* const row = &delta;
  CallPg([table, row] { AppendPg(table, row); });
}

void CallDeltaTable::Close() {
  const Table* const table = static_cast<const Table*>(table_);
  CallPg([table] {
    CatalogCloseIndexes(table->indexes);
    table_close(table->relation, NoLock);
  });
}

void FoldCallDeltas(FunctionCallInfo fcinfo) {
  CallPg([fcinfo] { FoldPg(fcinfo); });
}

}  // namespace switchboard::pg
