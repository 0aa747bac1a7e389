// Package greeting knows how to greet.
package greeting

var greetings = map[string]string{
	"en": "Good morning",
	"de": "Guten Morgen",
	"pt": "Bom dia",
}

// In returns the greeting in a language, given by its ISO 639-1 code, and whether it is known.
func In(language string) (string, bool) {
	words, known := greetings[language]
	return words, known
}
