{{/* What would hang in a cluster, though each value is right by itself: pulls, drains, connections. */}}

{{/* An image without a registry would come from a public one, on which anybody may have taken the name. */}}
{{- define "ratekeeper.check.image" -}}
{{- $first := splitList "/" .Values.image.repository | first -}}
{{- $named := and (contains "/" .Values.image.repository) (or (regexMatch "[.:]" $first) (eq $first "localhost")) -}}
{{- if not (or .Values.image.registry $named (eq .Values.image.pullPolicy "Never")) -}}
{{- fail "image.registry is missing: without it the image would be pulled from a public registry, where it is not ours. Build it, push it to a registry of yours and name that (or image.repository with the registry in it); for an image that is on the nodes already, image.pullPolicy: Never" -}}
{{- end -}}
{{- end -}}

{{/* A budget that lets no pod go holds up the drain of a node for ever. Of the least replicas, percentages are rounded up. */}}
{{- define "ratekeeper.check.budget" -}}
{{- $budget := .Values.podDisruptionBudget -}}
{{- $least := include "ratekeeper.leastReplicas" . | int -}}
{{- if and $budget.enabled (gt $least 1) -}}
{{- $stay := include "ratekeeper.partOf" (dict "part" $budget.minAvailable "of" $least) | int -}}
{{- if ge $stay $least -}}
{{- fail (printf "podDisruptionBudget.minAvailable: %v keeps all of %d replicas, so no node of theirs could ever be drained: write less, or podDisruptionBudget.maxUnavailable" $budget.minAvailable $least) -}}
{{- end -}}
{{- $may := include "ratekeeper.partOf" (dict "part" $budget.maxUnavailable "of" $least) | int -}}
{{- if and (eq "" (toString $budget.minAvailable)) (lt $may 1) -}}
{{- fail (printf "podDisruptionBudget.maxUnavailable: %v lets no replica go, so no node of theirs could ever be drained: write at least 1" $budget.maxUnavailable) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What settings name has to be reached. A rule of one's own, of which nothing is known here, is taken to be for it. */}}
{{- define "ratekeeper.check.egress" -}}
{{- $policy := .Values.networkPolicy -}}
{{- if and $policy.enabled $policy.egress.enabled (not $policy.egress.extra) -}}
{{- if and (eq (toString $policy.egress.collector.enabled) "false") (include "ratekeeper.collector.endpoint" .) -}}
{{- fail "networkPolicy.egress.collector.enabled is false, but settings or variables name a collector, which could not be reached: write auto, or a rule of your own in networkPolicy.egress.extra" -}}
{{- end -}}
{{- if and (eq (toString $policy.egress.statsd.enabled) "false") (include "ratekeeper.statsd.port" .) -}}
{{- fail "networkPolicy.egress.statsd.enabled is false, but settings.metrics.statsd.address names a receiver, which could not be reached: write auto, or a rule of your own in networkPolicy.egress.extra" -}}
{{- end -}}
{{- end -}}
{{- end -}}
