package model

import "strings"

// The plural of an entity names its table and its URL, so it must never change
// between versions of this program: the rules live here and not in a library.

// irregularPlurals holds the words that no suffix rule gets right.
var irregularPlurals = map[string]string{
	"alumnus": "alumni", "analysis": "analyses", "axis": "axes", "basis": "bases",
	"calf": "calves", "child": "children", "crisis": "crises", "criterion": "criteria",
	"diagnosis": "diagnoses", "die": "dice", "echo": "echoes", "elf": "elves", "foot": "feet",
	"goose": "geese", "half": "halves", "hero": "heroes", "hypothesis": "hypotheses",
	"knife": "knives", "leaf": "leaves", "life": "lives", "loaf": "loaves", "louse": "lice",
	"man": "men", "matrix": "matrices", "medium": "media", "mouse": "mice", "ox": "oxen",
	"parenthesis": "parentheses", "person": "people", "phenomenon": "phenomena",
	"potato": "potatoes", "prognosis": "prognoses", "quiz": "quizzes", "scarf": "scarves",
	"self": "selves", "shelf": "shelves", "synopsis": "synopses", "synthesis": "syntheses",
	"thesis": "theses", "thief": "thieves", "tomato": "tomatoes", "tooth": "teeth",
	"torpedo": "torpedoes", "vertex": "vertices", "veto": "vetoes", "wife": "wives",
	"wolf": "wolves", "woman": "women",
}

// samePlurals holds the words whose plural is the word itself: those that have
// no singular, and mass nouns, which read badly with an s.
var samePlurals = setOf(
	"advice", "aircraft", "baggage", "cash", "cattle", "clothing", "content", "data", "deer",
	"equipment", "evidence", "feedback", "fish", "furniture", "goods", "hardware", "headquarters",
	"homework", "information", "jewelry", "knowledge", "luggage", "mail", "media",
	"merchandise", "metadata", "money", "music", "news", "offspring", "people", "personnel",
	"police", "research", "salmon", "series", "sheep", "software", "spacecraft", "species",
	"staff", "stuff", "traffic", "trousers", "weather",
)

// Plural returns the English plural of a snake_case noun; only its last word
// changes. A word that is plural already is returned as it is.
func Plural(noun string) string {
	head, word := splitLastWord(noun)
	return head + pluralWord(word)
}

func splitLastWord(noun string) (head, word string) {
	cut := strings.LastIndexByte(noun, '_') + 1
	return noun[:cut], noun[cut:]
}

func pluralWord(word string) string {
	if plural, ok := irregularPlurals[word]; ok {
		return plural
	}
	if samePlurals[word] || isPlural(word) {
		return word
	}
	switch {
	case strings.HasSuffix(word, "y") && !endsWithVowelAnd(word, 'y'):
		return strings.TrimSuffix(word, "y") + "ies"
	case endsWithAny(word, "s", "x", "z", "ch", "sh"):
		return word + "es"
	}
	return word + "s"
}

// isPlural recognises the regular plurals that people write as entity names. A
// word such as status, address, bus or analysis ends in s and is none.
func isPlural(word string) bool {
	for _, plural := range irregularPlurals {
		if word == plural {
			return true
		}
	}
	if len(word) < 4 || !strings.HasSuffix(word, "s") {
		return false
	}
	return !endsWithAny(word, "ss", "us", "is") && !singularInS[word]
}

// singularInS holds singular nouns that look like plurals.
var singularInS = setOf("alias", "atlas", "bias", "canvas", "chaos", "christmas", "cosmos", "ethos", "lens",
	"pancreas", "rhinoceros", "sans", "thermos")

func endsWithVowelAnd(word string, last byte) bool {
	n := len(word)
	return n >= 2 && word[n-1] == last && strings.IndexByte("aeiou", word[n-2]) >= 0
}

func endsWithAny(word string, endings ...string) bool {
	for _, ending := range endings {
		if strings.HasSuffix(word, ending) {
			return true
		}
	}
	return false
}

func setOf(words ...string) map[string]bool {
	set := make(map[string]bool, len(words))
	for _, word := range words {
		set[word] = true
	}
	return set
}
