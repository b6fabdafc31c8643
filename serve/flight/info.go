package flight

import (
	"context"
	"log/slog"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/apache/arrow-go/v18/arrow/flight/flightsql"
	"github.com/apache/arrow-go/v18/arrow/flight/flightsql/schema_ref"
)

// describeServer says what the server and its SQL can do.
func (s *service) describeServer() {
	for id, v := range map[flightsql.SqlInfo]any{
		flightsql.SqlInfoFlightSqlServerName:             "Mixduck",
		flightsql.SqlInfoFlightSqlServerVersion:          s.cfg.Version,
		flightsql.SqlInfoFlightSqlServerArrowVersion:     arrow.PkgVersion,
		flightsql.SqlInfoFlightSqlServerReadOnly:         true,
		flightsql.SqlInfoFlightSqlServerSql:              true,
		flightsql.SqlInfoFlightSqlServerSubstrait:        false,
		flightsql.SqlInfoFlightSqlServerTransaction:      int32(flightsql.SqlTransactionNone),
		flightsql.SqlInfoFlightSqlServerCancel:           true,
		flightsql.SqlInfoFlightSqlServerStatementTimeout: int32(min(s.cfg.Timeout.Milliseconds(), math.MaxInt32)),
		flightsql.SqlInfoFlightSqlServerBulkIngestion:    false,
		flightsql.SqlInfoDDLCatalog:                      false,
		flightsql.SqlInfoDDLSchema:                       false,
		flightsql.SqlInfoDDLTable:                        false,
		flightsql.SqlInfoIdentifierCase:                  int64(flightsql.SqlCaseSensitivityCaseInsensitive),
		flightsql.SqlInfoIdentifierQuoteChar:             `"`,
		flightsql.SqlInfoQuotedIdentifierCase:            int64(flightsql.SqlCaseSensitivityCaseInsensitive),
		flightsql.SqlInfoAllTablesAreASelectable:         true,
		flightsql.SqlInfoNullOrdering:                    int64(flightsql.SqlNullOrderingSortAtEnd),
		flightsql.SqlInfoSearchStringEscape:              `\`,
		flightsql.SqlInfoExtraNameChars:                  "",
		flightsql.SqlInfoSupportsColumnAliasing:          true,
		flightsql.SqlInfoNullPlusNullIsNull:              true,
		flightsql.SqlInfoSupportsTableCorrelationNames:   true,
		flightsql.SqlInfoSupportsExpressionsInOrderBy:    true,
		flightsql.SqlInfoSupportsOrderByUnrelated:        true,
		flightsql.SqlInfoSupportsLikeEscapeClause:        true,
		flightsql.SqlInfoSchemaTerm:                      "schema",
		flightsql.SqlInfoCatalogTerm:                     "database",
		flightsql.SqlInfoCatalogAtStart:                  true,
		flightsql.SqlInfoCorrelatedSubqueriesSupported:   true,
		flightsql.SqlInfoSelectForUpdateSupported:        false,
		flightsql.SqlInfoStoredProceduresSupported:       false,
		flightsql.SqlInfoTransactionsSupported:           false,
		flightsql.SqlInfoBatchUpdatesSupported:           false,
		flightsql.SqlInfoSavePointsSupported:             false,
		flightsql.SqlInfoNamedParametersSupported:        false,
		flightsql.SqlInfoMaxStatements:                   int64(0),
		flightsql.SqlInfoKeywords:                        []string{},
		flightsql.SqlInfoNumericFunctions:                []string{},
		flightsql.SqlInfoStringFunctions:                 []string{},
		flightsql.SqlInfoSystemFunctions:                 []string{},
		flightsql.SqlInfoDateTimeFunctions:               []string{},
	} {
		if err := s.RegisterSqlInfo(id, v); err != nil { // a type that the table above must not have
			s.log.Error("the server cannot describe itself", slog.Any("err", err))
		}
	}
}

// GetFlightInfoSqlInfo describes what [flightsql.BaseServer] says of the server.
//
//nolint:revive // the name is that of the interface
func (*service) GetFlightInfoSqlInfo(_ context.Context, _ flightsql.GetSqlInfo, desc *flight.FlightDescriptor) (*flight.FlightInfo, error) {
	return infoFor(desc, schema_ref.SqlInfo)
}

// GetFlightInfoTableTypes describes the list of kinds of tables.
func (*service) GetFlightInfoTableTypes(_ context.Context, desc *flight.FlightDescriptor) (*flight.FlightInfo, error) {
	return infoFor(desc, schema_ref.TableTypes)
}

// DoGetTableTypes lists the kinds of tables.
func (*service) DoGetTableTypes(context.Context) (*arrow.Schema, <-chan flight.StreamChunk, error) {
	return rows(schema_ref.TableTypes, func(b *array.RecordBuilder) {
		texts(b, "TABLE")
		texts(b, "VIEW")
	})
}

// Databases have no keys, and clients get the types of columns with the columns. So these lists are empty.

// GetFlightInfoXdbcTypeInfo describes an empty list.
func (*service) GetFlightInfoXdbcTypeInfo(_ context.Context, _ flightsql.GetXdbcTypeInfo, desc *flight.FlightDescriptor) (*flight.FlightInfo, error) {
	return infoFor(desc, schema_ref.XdbcTypeInfo)
}

// DoGetXdbcTypeInfo returns an empty list.
func (*service) DoGetXdbcTypeInfo(context.Context, flightsql.GetXdbcTypeInfo) (*arrow.Schema, <-chan flight.StreamChunk, error) {
	return rows(schema_ref.XdbcTypeInfo, nothing)
}

// GetFlightInfoPrimaryKeys describes an empty list.
func (*service) GetFlightInfoPrimaryKeys(_ context.Context, _ flightsql.TableRef, desc *flight.FlightDescriptor) (*flight.FlightInfo, error) {
	return infoFor(desc, schema_ref.PrimaryKeys)
}

// DoGetPrimaryKeys returns an empty list.
func (*service) DoGetPrimaryKeys(context.Context, flightsql.TableRef) (*arrow.Schema, <-chan flight.StreamChunk, error) {
	return rows(schema_ref.PrimaryKeys, nothing)
}

// GetFlightInfoExportedKeys describes an empty list.
func (*service) GetFlightInfoExportedKeys(_ context.Context, _ flightsql.TableRef, desc *flight.FlightDescriptor) (*flight.FlightInfo, error) {
	return infoFor(desc, schema_ref.ExportedKeys)
}

// DoGetExportedKeys returns an empty list.
func (*service) DoGetExportedKeys(context.Context, flightsql.TableRef) (*arrow.Schema, <-chan flight.StreamChunk, error) {
	return rows(schema_ref.ExportedKeys, nothing)
}

// GetFlightInfoImportedKeys describes an empty list.
func (*service) GetFlightInfoImportedKeys(_ context.Context, _ flightsql.TableRef, desc *flight.FlightDescriptor) (*flight.FlightInfo, error) {
	return infoFor(desc, schema_ref.ImportedKeys)
}

// DoGetImportedKeys returns an empty list.
func (*service) DoGetImportedKeys(context.Context, flightsql.TableRef) (*arrow.Schema, <-chan flight.StreamChunk, error) {
	return rows(schema_ref.ImportedKeys, nothing)
}

// GetFlightInfoCrossReference describes an empty list.
func (*service) GetFlightInfoCrossReference(_ context.Context, _ flightsql.CrossTableRef, desc *flight.FlightDescriptor) (*flight.FlightInfo, error) {
	return infoFor(desc, schema_ref.CrossReference)
}

// DoGetCrossReference returns an empty list.
func (*service) DoGetCrossReference(context.Context, flightsql.CrossTableRef) (*arrow.Schema, <-chan flight.StreamChunk, error) {
	return rows(schema_ref.CrossReference, nothing)
}

func nothing(*array.RecordBuilder) {}
