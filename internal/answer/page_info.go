package answer

// PageInfo is the information on a page of profiles about the page and its query. Missing numbers are -1.
type PageInfo struct {
	Page      int64  // from 0
	PageSize  int64  // profiles on each page but the last one
	Total     int64  // profiles on all pages; Mixpanel may send it with page 0 only
	SessionID string // for the requests for the other pages
	Profiles  int64  // on this page, including those that cannot be stored
	Extra     string // the name of the first unknown field, or ""
}

// Pages returns how many pages the query has, if this is page 0.
func (i PageInfo) Pages() int64 {
	if i.PageSize <= 0 || i.Total <= 0 {
		return 1
	}
	return (i.Total-1)/i.PageSize + 1
}

// Want returns how many profiles are on a page of the query, if this is page 0.
func (i PageInfo) Want(page int64) int64 {
	if i.PageSize <= 0 {
		return i.Total
	}
	return max(0, min(i.PageSize, i.Total-page*i.PageSize))
}
