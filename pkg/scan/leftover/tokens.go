package leftover

import "github.com/org/ai-ship/pkg/scan"

const (
	alnum   = "a-zA-Z0-9"
	dashed  = "a-zA-Z0-9_-"
	lowHex  = "0-9a-f"
	upper   = "A-Z0-9"
	maxRead = 4 // characters of a secret that a finding may show
)

// token is a credential that is known by how it begins.
type token struct {
	id, title string
	prefixes  []string
	chars     string // of what follows the prefix
	min, max  int    // how many of them; a longer run is something else
	severity  scan.Severity
}

// tokens are the rules for credentials with a prefix of their own. They hold
// everywhere, binary files included.
func tokens() []rule {
	var all []rule
	for _, list := range [][]token{aiTokens(), cloudTokens(), codeTokens(), serviceTokens()} {
		for _, t := range list {
			all = append(all, rule{
				id: t.id, title: t.title, severity: t.severity, anchors: t.prefixes,
				scope: inText | inBinary | inVars, weak: t.severity < scan.Critical, find: t.find(),
			})
		}
	}
	return all
}

func (t token) find() func(view) (match, bool) {
	in := chars(t.chars)
	return func(v view) (match, bool) {
		p := len(v.anchor)
		n := in.run(v.text[p:min(len(v.text), p+t.max+1)])
		body := v.text[p : p+n]
		if n < t.min || n > t.max || !starts(v.before) || !random(body) || placeholder(v.text[:p+n]) {
			return match{}, false
		}
		if p+n < len(v.text) && word(v.text[p+n]) {
			return match{}, false
		}
		return match{to: p + n, shown: maxRead}, true
	}
}

func aiTokens() []token {
	const c, h = scan.Critical, scan.High
	return []token{
		{"huggingface-token", "Hugging Face token", []string{"hf_"}, alnum, 34, 40, c},
		{"huggingface-org-token", "Hugging Face organisation token", []string{"api_org_"}, alnum, 34, 40, c},
		{"openai-key", "OpenAI key", []string{"sk-proj-", "sk-svcacct-", "sk-admin-", "sk-None-"}, dashed, 20, 300, c},
		{"anthropic-key", "Anthropic key", []string{"sk-ant-api", "sk-ant-admin", "sk-ant-sid", "sk-ant-oat"}, dashed, 40, 300, c},
		{"openrouter-key", "OpenRouter key", []string{"sk-or-v1-"}, lowHex, 64, 64, c},
		{"langfuse-key", "Langfuse key", []string{"sk-lf-"}, "0-9a-f-", 36, 36, c},
		{"sk-key", "key of an AI provider", []string{"sk-"}, lowHex, 32, 32, h},
		{"sk-key", "key of an AI provider", []string{"sk-"}, alnum, 48, 48, h},
		{"groq-key", "Groq key", []string{"gsk_"}, alnum, 48, 60, c},
		{"replicate-token", "Replicate token", []string{"r8_"}, alnum, 37, 40, c},
		{"perplexity-key", "Perplexity key", []string{"pplx-"}, alnum, 40, 64, c},
		{"xai-key", "xAI key", []string{"xai-"}, alnum, 70, 90, c},
		{"nvidia-key", "NVIDIA key", []string{"nvapi-"}, dashed, 60, 80, c},
		{"fireworks-key", "Fireworks key", []string{"fw_"}, alnum, 22, 30, h},
		{"pinecone-key", "Pinecone key", []string{"pcsk_"}, "a-zA-Z0-9_", 50, 90, c},
		{"langsmith-key", "LangSmith key", []string{"lsv2_pt_", "lsv2_sk_"}, "0-9a-f_", 43, 43, c},
		{"wandb-key", "Weights & Biases key", []string{"wandb_v1_"}, "a-zA-Z0-9_", 40, 120, c},
		{"databricks-token", "Databricks token", []string{"dapi"}, "0-9a-f-", 32, 34, c},
		{"roboflow-key", "Roboflow key", []string{"rf_"}, alnum, 28, 40, h},
	}
}

func cloudTokens() []token {
	const c, h = scan.Critical, scan.High
	return []token{
		{"aws-access-key-id", "AWS access key ID", []string{"AKIA", "ASIA", "ABIA", "ACCA"}, upper, 16, 16, h},
		{"google-api-key", "Google API key", []string{"AIza"}, dashed, 35, 35, c},
		{"google-oauth-secret", "Google OAuth client secret", []string{"GOCSPX-"}, dashed, 28, 28, c},
		{"google-oauth-token", "Google OAuth token", []string{"ya29."}, dashed, 40, 2048, c},
		{"digitalocean-token", "DigitalOcean token", []string{"dop_v1_", "doo_v1_", "dor_v1_"}, lowHex, 64, 64, c},
		{"vault-token", "Vault token", []string{"hvs.", "hvb."}, dashed, 24, 300, c},
		{"doppler-token", "Doppler token", []string{"dp.pt.", "dp.st."}, alnum + "._-", 40, 90, c},
		{"pulumi-token", "Pulumi token", []string{"pul-"}, lowHex, 40, 40, c},
		{"planetscale-token", "PlanetScale token", []string{"pscale_tkn_", "pscale_pw_"}, dashed, 32, 64, c},
		{"supabase-token", "Supabase token", []string{"sbp_"}, lowHex, 40, 40, c},
	}
}

func codeTokens() []token {
	const c, h = scan.Critical, scan.High
	return []token{
		{"github-token", "GitHub token", []string{"ghp_", "gho_", "ghu_", "ghs_", "ghr_"}, alnum, 36, 255, c},
		{"github-token", "GitHub token", []string{"github_pat_"}, "a-zA-Z0-9_", 70, 255, c},
		{"gitlab-token", "GitLab token", []string{"glpat-", "gldt-", "glrt-", "glcbt-", "glptt-", "gloas-", "glsoat-"}, alnum + "._-", 20, 300, c},
		{"pypi-token", "PyPI token", []string{"pypi-AgE"}, dashed, 50, 1000, c},
		{"npm-token", "npm token", []string{"npm_"}, alnum, 36, 36, c},
		{"dockerhub-token", "Docker Hub token", []string{"dckr_pat_", "dckr_oat_"}, dashed, 27, 40, c},
		{"atlassian-token", "Atlassian token", []string{"ATATT3xFfG", "ATCTT3xFfG"}, alnum + "_=-", 50, 300, c},
		{"postman-key", "Postman key", []string{"PMAK-"}, "0-9a-f-", 59, 59, c},
		{"linear-key", "Linear key", []string{"lin_api_"}, alnum, 40, 40, c},
		{"age-key", "age identity", []string{"AGE-SECRET-KEY-1"}, upper, 58, 58, c},
		{"artifactory-token", "Artifactory token", []string{"AKCp"}, alnum, 60, 80, h},
	}
}

func serviceTokens() []token {
	const c = scan.Critical
	return []token{
		{"slack-token", "Slack token", []string{"xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xapp-"}, dashed, 24, 200, c},
		{"slack-webhook", "Slack webhook", []string{"hooks.slack.com/services/", "hooks.slack.com/workflows/", "hooks.slack.com/triggers/"}, alnum + "/", 30, 120, c},
		{"discord-webhook", "Discord webhook", []string{"discord.com/api/webhooks/", "discordapp.com/api/webhooks/"}, alnum + "/_-", 70, 120, c},
		{"stripe-key", "Stripe key", []string{"sk_live_", "rk_live_"}, alnum, 24, 120, c},
		{"sendgrid-key", "SendGrid key", []string{"SG."}, alnum + "._-", 60, 72, c},
		{"grafana-token", "Grafana token", []string{"glsa_", "glc_"}, alnum + "_=+/", 32, 400, c},
		{"newrelic-key", "New Relic key", []string{"NRAK-"}, upper, 27, 27, c},
		{"sentry-token", "Sentry token", []string{"sntrys_", "sntryu_"}, alnum + "_=+/", 40, 400, c},
		{"notion-token", "Notion token", []string{"ntn_"}, alnum, 40, 60, c},
	}
}
