{{/* The rules of files/prometheus, for the job of this release, and with runbooks where the values say they are. */}}

{{- define "ratekeeper.prometheusRule.groups" -}}
{{- $own := .Values.metrics.prometheusRule -}}
{{- $groups := list -}}
{{- range list "recording" "alerts" -}}
{{- $text := $.Files.Get (printf "files/prometheus/%s.yaml" .) -}}
{{- $text = $text | replace "job=\"ratekeeper\"" (printf "job=%q" (include "ratekeeper.jobName" $)) -}}
{{- $text = $text | replace "docs/runbooks.md#" (printf "%sdocs/runbooks.md#" $own.runbookBase) -}}
{{- $text = $text | replace "< 3 * 86400" (printf "< %s" (include "ratekeeper.seconds" $own.certificateExpiresWithin)) -}}
{{- range (fromYaml $text).groups -}}
{{- $rules := list -}}
{{- range .rules -}}
{{- if not (has (default "" .alert) $own.disabledAlerts) -}}
{{- if .alert }}{{ $_ := set . "labels" (merge (deepCopy $own.alertLabels) .labels) }}{{ end -}}
{{- $rules = append $rules . -}}
{{- end -}}
{{- end -}}
{{- $groups = append $groups (dict "name" .name "rules" $rules) -}}
{{- end -}}
{{- end -}}
{{- toYaml $groups -}}
{{- end -}}
