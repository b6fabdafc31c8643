package mixpaneltest

// vocabulary contains the words of generated events. The texts are already JSON, without quotes.
type vocabulary struct {
	events, cities, browsers, systems, pages, titles, notes, plans, tags []string
}

// newVocabulary returns the words. The events are ordered by frequency.
func newVocabulary() vocabulary {
	return vocabulary{
		events: []string{
			"Page Viewed", "$mp_web_page_view", "Product Viewed", "Search", "Item Added", "$mp_click", "Session Started",
			"Checkout Started", "Purchase", "Signed In", "Video Played", "Notification Opened", "Filter Applied",
			"Item Removed", "Signed Up", "Coupon Applied", "Article Shared", "Plan Upgraded", "Übersicht geöffnet",
			"退会",
		},
		cities: []string{
			`Berlin","mp_country_code":"DE`, `S\u00e3o Paulo","mp_country_code":"BR`, `東京","mp_country_code":"JP`,
			`New York","mp_country_code":"US`, `Zürich","mp_country_code":"CH`, `Mumbai","mp_country_code":"IN`,
			`Reykjavík","mp_country_code":"IS`, `서울","mp_country_code":"KR`, `Москва","mp_country_code":"RU`,
			`القاهرة","mp_country_code":"EG`,
		},
		browsers: []string{"Chrome", "Safari", "Firefox", "Microsoft Edge", "Mobile Safari", "Samsung Internet"},
		systems:  []string{"Windows", "Mac OS X", "Android", "iOS", "Linux", "Chrome OS"},
		pages:    []string{`\/`, `\/products\/list`, `/products/detail`, `\/cart`, `/checkout/address`, `\/blog\/caf\u00e9`},
		titles: []string{
			`Home \"sweet\" home`, `Café & thé ☕`, `新着商品 — 秋のセール`, `Preis: 10\u00a0€`, `C:\\users\\public`,
			`Fish \u0026 chips`, `🎉 Big sale 👩‍👩‍👧‍👦`, `Tab\there`, `100% wool`, `\ud83d\ude80 launch`,
		},
		notes: []string{
			`first line\nsecond line`, `she said: \"{not json}\", then left [early]`, `back\\\"slash`, `\/\/ comment`,
			`ünïcödé`, `漢字かな交じり文`, `emoji 🦆🦆`, `plain`, `control \u0001 and delete \u007f`, ``,
		},
		plans: []string{"free", "free", "free", "starter", "pro", "enterprise"},
		tags:  []string{`"new"`, `"sale","summer"`, `"été"`, ``, `"b2b","vip","重要"`, `"a","b","c","d"`},
	}
}
