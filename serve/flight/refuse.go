package flight

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/apache/arrow-go/v18/arrow/flight/flightsql"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// readOnly is the error of everything that would change a database.
func readOnly() error {
	return status.Error(codes.InvalidArgument, "this server only reads: use SELECT; Mixduck's fetches are the only writers")
}

func noTransactions() error {
	return status.Error(codes.Unimplemented, "this server has no transactions: each query reads what is committed when it starts; turn autocommit on")
}

// DoPutCommandStatementUpdate refuses.
func (*service) DoPutCommandStatementUpdate(context.Context, flightsql.StatementUpdate) (int64, error) {
	return 0, readOnly()
}

// DoPutPreparedStatementUpdate refuses.
func (*service) DoPutPreparedStatementUpdate(context.Context, flightsql.PreparedStatementUpdate, flight.MessageReader) (int64, error) {
	return 0, readOnly()
}

// DoPutCommandStatementIngest refuses.
func (*service) DoPutCommandStatementIngest(context.Context, flightsql.StatementIngest, flight.MessageReader) (int64, error) {
	return 0, readOnly()
}

// BeginTransaction refuses.
func (*service) BeginTransaction(context.Context, flightsql.ActionBeginTransactionRequest) ([]byte, error) {
	return nil, noTransactions()
}

// BeginSavepoint refuses.
func (*service) BeginSavepoint(context.Context, flightsql.ActionBeginSavepointRequest) ([]byte, error) {
	return nil, noTransactions()
}
