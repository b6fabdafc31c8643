package mixpanel

import "net/http"

// Transport gives tests access to the connections of c: to dial without a network, and to trust a test's certificate.
func (c *Client) Transport() *http.Transport { return c.http.Transport.(*http.Transport) }
