package flight

import (
	"context"
	"errors"
	"time"

	"github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/apache/arrow-go/v18/arrow/flight/flightsql"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"mixduck/storage/query"
)

// GetFlightInfoStatement starts a query. Its ticket is that of the result.
func (s *service) GetFlightInfoStatement(ctx context.Context, cmd flightsql.StatementQuery, desc *flight.FlightDescriptor) (*flight.FlightInfo, error) {
	c, err := s.choose(ctx)
	if err != nil {
		return nil, statusOf(err)
	}
	return s.start(ctx, query.Request{Database: c.Path, SQL: cmd.GetQuery()}, desc)
}

func (s *service) start(ctx context.Context, req query.Request, desc *flight.FlightDescriptor) (*flight.FlightInfo, error) {
	a, err := s.open(ctx, req)
	if err != nil {
		return nil, statusOf(err)
	}
	ticket, err := flightsql.CreateStatementQueryTicket([]byte(a.id))
	if err != nil {
		s.discard(a, err)
		return nil, err
	}
	info := flightInfo(desc, encapsulated(a.schema))
	info.Endpoint[0].Ticket.Ticket = ticket
	return info, nil
}

// flightInfo describes a result of unknown length, with the command itself as its ticket.
func flightInfo(desc *flight.FlightDescriptor, schema []byte) *flight.FlightInfo {
	return &flight.FlightInfo{
		Schema: schema, FlightDescriptor: desc, TotalRecords: -1, TotalBytes: -1,
		Endpoint: []*flight.FlightEndpoint{{Ticket: &flight.Ticket{Ticket: desc.GetCmd()}}},
	}
}

// GetSchemaStatement returns the columns of a statement, which does not run.
func (s *service) GetSchemaStatement(ctx context.Context, cmd flightsql.StatementQuery, _ *flight.FlightDescriptor) (*flight.SchemaResult, error) {
	c, err := s.choose(ctx)
	if err != nil {
		return nil, statusOf(err)
	}
	d, err := s.describe(ctx, query.Request{Database: c.Path, SQL: cmd.GetQuery()})
	return &flight.SchemaResult{Schema: d.columns}, statusOf(err)
}

// CancelFlightInfo ends the query of a result.
func (s *service) CancelFlightInfo(_ context.Context, req *flight.CancelFlightInfoRequest) (flight.CancelFlightInfoResult, error) {
	became := flight.CancelStatusNotCancellable
	for _, end := range req.GetInfo().GetEndpoint() {
		ticket, err := flightsql.GetStatementQueryTicket(end.GetTicket())
		if err != nil {
			continue
		}
		if a := s.find(string(ticket.GetStatementHandle())); a != nil {
			s.discard(a, context.Canceled)
			became = flight.CancelStatusCancelled
		}
	}
	return flight.CancelFlightInfoResult{Status: became}, nil
}

// find returns the result of a ticket, and leaves it where it is.
func (s *service) find(id string) *answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.answers[id]
}

// streams sends results as they arrive from the processes of queries. All else is for the server of Flight SQL.
type streams struct {
	flight.FlightServer
	service *service
}

// DoGet sends the result of a ticket, once.
func (s *streams) DoGet(ticket *flight.Ticket, stream flight.FlightService_DoGetServer) error {
	statement, err := flightsql.GetStatementQueryTicket(ticket)
	if err != nil { // it is another command
		return s.FlightServer.DoGet(ticket, stream)
	}
	a := s.service.find(string(statement.GetStatementHandle()))
	if a == nil || !a.claim() {
		return status.Error(codes.NotFound, "the result was read already, was cancelled, or waited for too long; run the query again")
	}
	ctx := stream.Context()
	stop := context.AfterFunc(ctx, func() { s.service.discard(a, context.Canceled) })
	defer stop()
	defer s.service.discard(a, errNoReader)
	err = s.service.send(a, stream)
	if ctx.Err() != nil {
		return status.FromContextError(ctx.Err()).Err()
	}
	if errors.Is(err, errNoReader) { // somebody else has cancelled it
		err = context.Canceled
	}
	return statusOf(err)
}

// send sends a result. It gives up if the client takes nothing for a long time. The goroutine that sends is blocked then,
// and ends when the stream does: after the caller has returned.
func (s *service) send(a *answer, stream flight.FlightService_DoGetServer) error {
	ended := make(chan error, 1)
	stalled := time.NewTimer(s.patience)
	defer stalled.Stop()
	s.running.Go(func() {
		err := stream.Send(&flight.FlightData{DataHeader: a.schema})
		if err == nil {
			err = a.each(func(m *message) error {
				stalled.Reset(s.patience)
				return stream.Send(&flight.FlightData{DataHeader: m.head, DataBody: m.body})
			})
		}
		ended <- err
	})
	select {
	case err := <-ended:
		return err
	case <-stalled.C:
		return errStalled
	}
}
