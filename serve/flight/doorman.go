package flight

import (
	"context"
	"encoding/base64"
	"log/slog"
	"runtime/debug"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"mixduck/internal/secret"
)

// doorman stands before all calls: it refuses those without the token, and keeps a panic from ending the worker.
type doorman struct {
	token secret.String // empty lets all in
	log   *slog.Logger
}

func (d *doorman) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (_ any, err error) {
	defer d.recovered(info.FullMethod, &err)
	if err := d.check(ctx); err != nil {
		return nil, err
	}
	return next(ctx, req)
}

func (d *doorman) stream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) (err error) {
	defer d.recovered(info.FullMethod, &err)
	if err := d.check(stream.Context()); err != nil {
		return err
	}
	if strings.HasSuffix(info.FullMethod, "/Handshake") && !d.token.IsZero() {
		// JDBC asks once with user and password, and then sends the token that it gets. It has just sent the same one.
		return stream.SendHeader(metadata.Pairs("authorization", "Bearer "+d.token.Reveal()))
	}
	return next(srv, stream)
}

func (d *doorman) recovered(method string, err *error) {
	if panicked := recover(); panicked != nil {
		d.log.Error("flight request crashed", slog.String("method", method), slog.Any("err", panicked), slog.String("stack", string(debug.Stack())))
		*err = status.Error(codes.Internal, "the request crashed; the worker's log says where")
	}
}

// check compares the token of a call. It can be a bearer token, or the password of any user.
func (d *doorman) check(ctx context.Context) error {
	if d.token.IsZero() {
		return nil
	}
	for _, value := range metadata.ValueFromIncomingContext(ctx, "authorization") {
		scheme, shown, _ := strings.Cut(value, " ")
		if strings.EqualFold(scheme, "Basic") {
			shown = password(shown)
		} else if !strings.EqualFold(scheme, "Bearer") {
			continue
		}
		if d.token.Equal(shown) {
			return nil
		}
	}
	return status.Error(codes.Unauthenticated,
		"missing or wrong token: send the value of flight.token as a bearer token, or as the password of any user")
}

// password returns the password in the credentials of HTTP's basic authentication.
func password(credentials string) string {
	b, err := base64.StdEncoding.DecodeString(credentials)
	if err != nil {
		if b, err = base64.RawStdEncoding.DecodeString(credentials); err != nil {
			return ""
		}
	}
	_, password, _ := strings.Cut(string(b), ":")
	return password
}
