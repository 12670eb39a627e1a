package trivy

import _ "github.com/org/ai-ship/pkg/scan/trivy"
