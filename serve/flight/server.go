package flight

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/apache/arrow-go/v18/arrow/flight/flightsql"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"

	"mixduck/internal/listen"
)

// Server serves until it is closed.
type Server struct {
	cfg     Config
	log     *slog.Logger
	addr    net.Addr
	grpc    *grpc.Server
	service *service
	serving sync.WaitGroup
}

const (
	maxRequest    = 16 << 20 // bytes, of a statement or of parameters
	writeBuffer   = 1 << 20
	keepaliveTime = 30 * time.Second
	closeTimeout  = 2 * time.Second
)

// Serve begins to serve. It returns an error with [fault.CodeUsage] for a Config that makes no sense. A nil Server with a nil
// error serves nothing.
func Serve(ctx context.Context, cfg Config, databases Databases, observer Observer, log *slog.Logger) (*Server, error) {
	if err := cfg.Check(); err != nil || cfg.Listen == "" {
		return nil, err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.Listen)
	if err != nil {
		return nil, listen.Error("flight.listen", cfg.Listen, err)
	}
	options := []grpc.ServerOption{
		grpc.MaxRecvMsgSize(maxRequest), grpc.WriteBufferSize(writeBuffer),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: keepaliveTime, Timeout: keepaliveTime}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: time.Second, PermitWithoutStream: true}),
	}
	if encrypted := cfg.tls(); encrypted != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(encrypted)))
	}
	doorman := &doorman{token: cfg.Token, log: log}
	options = append(options, grpc.ChainUnaryInterceptor(doorman.unary), grpc.ChainStreamInterceptor(doorman.stream))
	s := &Server{cfg: cfg, log: log, addr: l.Addr(), grpc: grpc.NewServer(options...), service: newService(cfg, databases, observer, log)}
	flight.RegisterFlightServiceServer(s.grpc, &streams{FlightServer: flightsql.NewFlightServer(s.service), service: s.service})
	s.serving.Go(func() {
		if err := s.grpc.Serve(l); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
			log.Error("flight server stopped unexpectedly", slog.String("address", cfg.Listen), slog.Any("err", err))
		}
	})
	log.Info("flight server started", slog.String("address", s.addr.String()), slog.Bool("tls", cfg.CertFile != ""))
	return s, nil
}

// Addr returns where clients connect to.
func (s *Server) Addr() net.Addr { return s.addr }

// Drain lets answers that are under way come to their end, and takes no new connections.
func (s *Server) Drain() {
	if s != nil {
		s.serving.Go(s.grpc.GracefulStop)
	}
}

// Close ends all queries, after a moment for answers that are under way.
func (s *Server) Close() {
	if s == nil {
		return
	}
	timer := time.AfterFunc(closeTimeout, s.grpc.Stop)
	defer timer.Stop()
	s.grpc.GracefulStop()
	s.service.close()
	s.serving.Wait()
}
