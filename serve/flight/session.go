package flight

import (
	"context"
	"net/http"
	"net/url"

	"github.com/apache/arrow-go/v18/arrow/flight"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// sessionCookie holds the catalog that a client has set. So the server keeps no sessions.
const sessionCookie = "mixduck_catalog"

// sessionCatalog returns the catalog of the client's cookie; "" for none.
func sessionCatalog(ctx context.Context) string {
	request := http.Request{Header: http.Header{"Cookie": metadata.ValueFromIncomingContext(ctx, "cookie")}}
	cookie, err := request.Cookie(sessionCookie)
	if err != nil {
		return ""
	}
	name, err := url.PathUnescape(cookie.Value)
	if err != nil {
		return ""
	}
	return name
}

func setSession(ctx context.Context, name string) error {
	cookie := http.Cookie{Name: sessionCookie, Value: url.PathEscape(name)} //nolint:gosec // no browser gets it, and it is no secret
	if name == "" {
		cookie.MaxAge = -1
	}
	return grpc.SetHeader(ctx, metadata.Pairs("set-cookie", cookie.String()))
}

// SetSessionOptions sets the catalog. It is the only option.
func (s *service) SetSessionOptions(ctx context.Context, req *flight.SetSessionOptionsRequest) (*flight.SetSessionOptionsResult, error) {
	problems := map[string]*flight.SetSessionOptionsResultError{}
	for name, value := range req.GetSessionOptions() {
		if name != catalogOption {
			problems[name] = &flight.SetSessionOptionsResultError{Value: flight.SetSessionOptionsResultErrorInvalidName}
			continue
		}
		wanted := value.GetStringValue()
		if wanted != "" {
			all, err := s.catalogs(ctx)
			if err != nil {
				return nil, statusOf(err)
			}
			if _, err := pick(all, wanted); err != nil {
				return nil, statusOf(err)
			}
		}
		if err := setSession(ctx, wanted); err != nil {
			return nil, err
		}
	}
	return &flight.SetSessionOptionsResult{Errors: problems}, nil
}

// GetSessionOptions returns the catalog that is set.
func (*service) GetSessionOptions(ctx context.Context, _ *flight.GetSessionOptionsRequest) (*flight.GetSessionOptionsResult, error) {
	all := map[string]*flight.SessionOptionValue{}
	if name := chosen(ctx); name != "" {
		value, err := flight.NewSessionOptionValue(name)
		if err != nil {
			return nil, err
		}
		all[catalogOption] = &value
	}
	return &flight.GetSessionOptionsResult{SessionOptions: all}, nil
}

// CloseSession forgets the catalog.
func (*service) CloseSession(ctx context.Context, _ *flight.CloseSessionRequest) (*flight.CloseSessionResult, error) {
	return &flight.CloseSessionResult{Status: flight.CloseSessionResultClosed}, setSession(ctx, "")
}
