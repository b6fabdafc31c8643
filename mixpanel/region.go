package mixpanel

// Region is where Mixpanel keeps the data of a project. It is a property of the project: asking in another region
// answers as if the project did not exist, or with an export that ends at once.
type Region string

// The regions. The zero value of a [Config] means [RegionUS].
const (
	RegionUS Region = "us"
	RegionEU Region = "eu"
	RegionIN Region = "in"
)

// exportURL returns the base URL of the region's export API, or "" for a region that does not exist. The hosts are
// those of Mixpanel's OpenAPI description of the Event Export API.
func (r Region) exportURL() string {
	switch r {
	case RegionUS, "":
		return "https://data.mixpanel.com"
	case RegionEU:
		return "https://data-eu.mixpanel.com"
	case RegionIN:
		return "https://data-in.mixpanel.com"
	}
	return ""
}
