package leftover

import (
	"bytes"
	"math"
	"slices"
	"strings"
)

// set is a set of bytes.
type set [256]bool

// chars is the set that spec lists; a-z is a range, a leading or trailing - is
// itself.
func chars(spec string) *set {
	var s set
	for i := 0; i < len(spec); i++ {
		if i+2 < len(spec) && spec[i+1] == '-' {
			for c := int(spec[i]); c <= int(spec[i+2]); c++ {
				s[c] = true
			}
			i += 2
			continue
		}
		s[spec[i]] = true
	}
	return &s
}

// run is how many bytes of b, from its start, are in the set.
func (s *set) run(b []byte) int {
	for i, c := range b {
		if !s[c] {
			return i
		}
	}
	return len(b)
}

// runBack is how many bytes of b, from its end, are in the set.
func (s *set) runBack(b []byte) int {
	for i := len(b); i > 0; i-- {
		if !s[b[i-1]] {
			return len(b) - i
		}
	}
	return len(b)
}

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
func digit(c byte) bool  { return c >= '0' && c <= '9' }
func word(c byte) bool   { return letter(c) || digit(c) || c == '_' }
func hex(c byte) bool    { return digit(c) || c|0x20 >= 'a' && c|0x20 <= 'f' }

// starts reports whether a word may start behind before: the escapes of JSON and
// of URLs and the colours of terminals end in characters of words.
func starts(before []byte) bool {
	n := len(before)
	if n == 0 || !word(before[n-1]) {
		return true
	}
	c := before[n-1]
	if n >= 2 && before[n-2] == '\\' && strings.IndexByte("nrtbf", c) >= 0 {
		return true
	}
	if n >= 3 && before[n-3] == '%' && hex(before[n-2]) && hex(c) {
		return true
	}
	if c != 'm' {
		return false
	}
	codes := before[:n-1]
	codes = codes[:len(codes)-chars("0-9;").runBack(codes)]
	return bytes.HasSuffix(codes, []byte("[")) && (bytes.HasSuffix(codes, []byte("\x1b[")) || bytes.HasSuffix(codes, []byte(`\u001b[`)))
}

// entropy is Shannon's, in bits for each byte.
func entropy(b []byte) float64 {
	var counts [256]int
	for _, c := range b {
		counts[c]++
	}
	var sum float64
	for _, n := range counts {
		if n > 0 {
			p := float64(n) / float64(len(b))
			sum -= p * math.Log2(p)
		}
	}
	return sum
}

// random reports whether b varies like a key of its length.
func random(b []byte) bool {
	const short, few, many = 24, 2.5, 3.0 // bytes, bits for each byte
	if len(b) < short {
		return entropy(b) >= few
	}
	return entropy(b) >= many
}

// placeholder reports whether b says itself that it is none.
func placeholder(b []byte) bool {
	lower := strings.ToLower(string(b))
	return slices.ContainsFunc([]string{
		"example", "placeholder", "changeme", "change_me", "change-me", "change_this", "your_", "your-", "yourkey",
		"yourtoken", "yourpass", "yoursecret", "xxxx", "dummy", "redacted", "insert_", "insert-", "replace_", "replace-",
		"replaceme", "notreal", "not_real", "not-real", "****", "....", "0123456789", "1234567890", "abcdefgh",
		// the key of the storage emulator, which every client library holds
		"eby8vdm02xnocqflquwj",
	}, func(s string) bool { return strings.Contains(lower, s) })
}

// template reports whether b is to be filled in by something else.
func template(b []byte) bool {
	return bytes.ContainsAny(b, "{}<>$*[]|") || bytes.Contains(b, []byte("%s")) || bytes.Contains(b, []byte("%(")) ||
		bytes.Contains(b, []byte("..."))
}

// common reports whether b is a password that stands for any password.
func common(b []byte) bool {
	lower := strings.Trim(strings.ToLower(string(b)), "0123456789!_-.")
	return lower == "" || placeholder(b) || slices.Contains([]string{
		"pass", "passw", "passwd", "password", "passwort", "pw", "pwd", "mypass", "mypassword", "my_password", "my-password",
		"somepass", "somepassword", "userpass", "userpassword", "dbpass", "dbpassword", "db_password", "your", "yourpassword",
		"secret", "secrets", "mysecret", "my_secret", "my-secret", "supersecret", "topsecret", "s3cr3t", "s3cret", "sekret",
		"token", "mytoken", "my-token", "my_token", "access_token", "key", "apikey", "api_key", "api-key", "mykey",
		"user", "username", "login", "admin", "administrator", "root", "guest", "anonymous", "nobody",
		"test", "testing", "tester", "testpass", "testpassword", "test_password", "demo", "sample", "default", "temp", "tmp",
		"foo", "bar", "baz", "foobar", "abc", "asdf", "qwerty", "hunter", "tiger", "scott", "letmein", "welcome", "hello",
		"postgres", "postgresql", "mysql", "mariadb", "mongo", "redis", "rabbitmq", "minio", "minioadmin", "airflow", "mlflow",
		"x-oauth-basic", "oauth", "none", "null", "nil", "true", "false", "yes", "no", "undefined", "empty", "auto", "todo", "p", "a", "b", "x",
	}, lower)
}
