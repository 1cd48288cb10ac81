{{/* Who may connect to the pods, and where they may connect to. */}}

{{- define "ratekeeper.networkPolicy.ingress" -}}
{{- $ingress := .Values.networkPolicy.ingress }}
- ports: [{protocol: TCP, port: grpc}]
{{- include "ratekeeper.networkPolicy.peers" (dict "word" "from" "peers" $ingress.grpc.from) }}
{{- if $ingress.http.enabled }}
- ports: [{protocol: TCP, port: http}]
{{- include "ratekeeper.networkPolicy.peers" (dict "word" "from" "peers" $ingress.http.from) }}
{{- end }}
{{- if $ingress.metrics.enabled }}
- ports: [{protocol: TCP, port: metrics}]
{{- include "ratekeeper.networkPolicy.peers" (dict "word" "from" "peers" $ingress.metrics.from) }}
{{- end }}
{{- if .Values.tests.enabled }}
- ports: [{protocol: TCP, port: grpc}, {protocol: TCP, port: http}]
  from:
    - podSelector:
        matchLabels:
          {{- include "ratekeeper.test.selectorLabels" . | nindent 10 }}
{{- end }}
{{- with $ingress.extra }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "ratekeeper.networkPolicy.egress" -}}
{{- $egress := .Values.networkPolicy.egress }}
{{- if $egress.dns.enabled }}
- ports: [{protocol: UDP, port: 53}, {protocol: TCP, port: 53}]
{{- include "ratekeeper.networkPolicy.peers" (dict "word" "to" "peers" $egress.dns.to) }}
{{- end }}
{{- if and $egress.redis.enabled (eq .Values.store "redis") }}
- ports:
    {{- range include "ratekeeper.networkPolicy.redisPorts" . | fromJsonArray }}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
{{- include "ratekeeper.networkPolicy.peers" (dict "word" "to" "peers" $egress.redis.to) }}
{{- end }}
{{- if $egress.collector.enabled }}
- ports:
    {{- range $egress.collector.ports }}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
{{- include "ratekeeper.networkPolicy.peers" (dict "word" "to" "peers" $egress.collector.to) }}
{{- end }}
{{- with $egress.extra }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* No peers are all peers. */}}
{{- define "ratekeeper.networkPolicy.peers" -}}
{{- with .peers }}
  {{ $.word }}:
    {{- toYaml . | nindent 4 }}
{{- end }}
{{- end -}}

{{/* The ports of all URLs. Of Sentinels and of URLs in a secret, what they lead to is taken to be Redis's usual ports. */}}
{{- define "ratekeeper.networkPolicy.redisPorts" -}}
{{- $ports := .Values.networkPolicy.egress.redis.extraPorts -}}
{{- range list .Values.redis .Values.redisPerSecond -}}
{{- range .urls -}}
{{- $ports = append $ports (regexFind "[0-9]+$" (regexFind ":[0-9]+$" (regexReplaceAll "^([a-z]+://[^/]*).*$" . "${1}")) | default "6379" | int) -}}
{{- end -}}
{{- if or .urlsSecret.name (eq .topology "sentinel") }}{{ $ports = append $ports 6379 }}{{ end -}}
{{- if and .urlsSecret.name (eq .topology "sentinel") }}{{ $ports = append $ports 26379 }}{{ end -}}
{{- end -}}
{{- $numbers := list -}}
{{- range $ports }}{{ $numbers = append $numbers (int .) }}{{ end -}}
{{- $numbers | uniq | toJson -}}
{{- end -}}
