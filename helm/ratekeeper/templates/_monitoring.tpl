{{/* What ServiceMonitor and PodMonitor have in common: how an endpoint is scraped. Takes the root and the monitor. */}}

{{- define "ratekeeper.monitor.endpoint" -}}
- port: metrics
  path: /metrics
  {{- with .monitor.interval }}
  interval: {{ . }}
  {{- end }}
  {{- with .monitor.scrapeTimeout }}
  scrapeTimeout: {{ . }}
  {{- end }}
  relabelings:
    - {targetLabel: job, replacement: {{ include "ratekeeper.jobName" .root | quote }}, action: replace}
    {{- with .monitor.relabelings }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .monitor.metricRelabelings }}
  metricRelabelings:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/* The metadata of an object for monitoring, which may live in another namespace. Takes the root, the object's values and a suffix. */}}
{{- define "ratekeeper.monitor.metadata" -}}
{{- $own := .own -}}
{{- include "ratekeeper.metadata" (dict "root" .root "suffix" .suffix "namespace" $own.namespace "labels" $own.labels "annotations" $own.annotations) -}}
{{- end -}}
