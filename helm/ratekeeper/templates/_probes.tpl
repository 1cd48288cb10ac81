{{/* Startup and liveness ask only whether the process answers: a restart mends neither rules nor a lost Redis. */}}

{{- define "ratekeeper.probes" -}}
{{- include "ratekeeper.probe" (dict "name" "startupProbe" "probe" .Values.probes.startup "via" "live") }}
{{- include "ratekeeper.probe" (dict "name" "livenessProbe" "probe" .Values.probes.liveness "via" "live") }}
{{- $via := .Values.probes.readiness.via }}
{{- if eq $via "auto" }}
{{- $via = .Values.tls.enabled | ternary "http" "grpc" }}
{{- end }}
{{- if and (eq $via "grpc") .Values.tls.enabled }}
{{- fail "probes.readiness.via: grpc does not go with tls.enabled, as the kubelet's gRPC probe speaks no TLS: write http, or leave it to auto" }}
{{- end }}
{{- include "ratekeeper.probe" (dict "name" "readinessProbe" "probe" .Values.probes.readiness "via" $via) }}
{{- end -}}

{{- define "ratekeeper.probe" -}}
{{- if .probe.enabled }}
{{ .name }}:
  {{- if .probe.custom }}
  {{- toYaml .probe.custom | nindent 2 }}
  {{- else }}
  {{- if eq .via "live" }}
  httpGet:
    path: /livez
    port: http
  {{- else if eq .via "http" }}
  httpGet:
    path: /readyz
    port: http
  {{- else if eq .via "grpc" }}
  grpc:
    port: 8081
  {{- else }}
  exec:
    command: [/usr/bin/ratekeeper, health, --config, /etc/ratekeeper/config/ratekeeper.yaml, --timeout, {{ .probe.timeoutSeconds }}s]
  {{- end }}
  periodSeconds: {{ .probe.periodSeconds }}
  timeoutSeconds: {{ .probe.timeoutSeconds }}
  failureThreshold: {{ .probe.failureThreshold }}
  {{- end }}
{{- end }}
{{- end -}}
