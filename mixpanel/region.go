package mixpanel

// Region is where Mixpanel stores a project's data. Each project belongs to one region. Other regions respond as if
// the project did not exist, or with an export that ends at once.
type Region string

// The regions. The zero value of a [Config] means [RegionUS].
const (
	RegionUS Region = "us"
	RegionEU Region = "eu"
	RegionIN Region = "in"
)

// hosts are the base URLs of the APIs.
type hosts struct{ export, query, ingestion string }

// hosts returns the hosts of the region, and false for an unknown region. They come from Mixpanel's OpenAPI
// descriptions of the Event Export API, the Query API and the Ingestion API. The application API is on the host of the
// Query API.
func (r Region) hosts() (hosts, bool) {
	switch r {
	case RegionUS, "":
		return hosts{"https://data.mixpanel.com", "https://mixpanel.com", "https://api.mixpanel.com"}, true
	case RegionEU:
		return hosts{"https://data-eu.mixpanel.com", "https://eu.mixpanel.com", "https://api-eu.mixpanel.com"}, true
	case RegionIN:
		return hosts{"https://data-in.mixpanel.com", "https://in.mixpanel.com", "https://api-in.mixpanel.com"}, true
	}
	return hosts{}, false
}
