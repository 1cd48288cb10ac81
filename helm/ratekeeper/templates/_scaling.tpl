{{/* How many replicas there are. */}}

{{/* The fewest that a release may have, whoever scales it. */}}
{{- define "ratekeeper.leastReplicas" -}}
{{- if .Values.keda.enabled -}}{{ .Values.keda.minReplicas }}
{{- else if .Values.autoscaling.enabled -}}{{ .Values.autoscaling.minReplicas }}
{{- else -}}{{ .Values.replicaCount }}
{{- end -}}
{{- end -}}

{{/*
What the Deployment says. Where something scales it, that is the number that runs now: a number which the release had before and has no
longer would be taken for 1 by the API, until the autoscaler looks the next time. Where no cluster is seen (a first install, `helm template`
and whoever uses it), nothing is said, or each apply would put the autoscaler's number back.
*/}}
{{- define "ratekeeper.replicas" -}}
{{- if or .Values.autoscaling.enabled .Values.keda.enabled -}}
{{- $running := lookup "apps/v1" "Deployment" (include "ratekeeper.namespace" .) (include "ratekeeper.fullname" .) -}}
{{- with (default dict $running.spec).replicas -}}
{{- max (int .) (include "ratekeeper.leastReplicas" $ | int) -}}
{{- end -}}
{{- else -}}
{{- .Values.replicaCount -}}
{{- end -}}
{{- end -}}

{{/* A number, or a percentage rounded up, of some replicas. Nothing is 0. */}}
{{- define "ratekeeper.partOf" -}}
{{- $part := toString .part -}}
{{- if hasSuffix "%" $part -}}
{{- div (add (mul (trimSuffix "%" $part | int64) .of) 99) 100 -}}
{{- else -}}
{{- int64 $part -}}
{{- end -}}
{{- end -}}
