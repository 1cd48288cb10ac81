{{/* Files of the pod. All are mounted as folders, never by subPath, so that changes arrive while it runs. */}}

{{- define "ratekeeper.volumeMounts" -}}
- {name: settings, mountPath: /etc/ratekeeper/config, readOnly: true}
- {name: rules, mountPath: /etc/ratekeeper/rules, readOnly: true}
{{- if .Values.tls.enabled }}
- {name: grpc-tls, mountPath: /etc/ratekeeper/grpc-tls, readOnly: true}
{{- if or .Values.tls.clientCa.existingSecret .Values.tls.clientCa.existingConfigMap }}
- {name: grpc-client-ca, mountPath: /etc/ratekeeper/grpc-client-ca, readOnly: true}
{{- end }}
{{- end }}
{{- if eq .Values.store "redis" }}
{{- include "ratekeeper.redis.mounts" (dict "name" "redis" "redis" .Values.redis) }}
{{- if include "ratekeeper.redisPerSecondIsUsed" . }}
{{- include "ratekeeper.redis.mounts" (dict "name" "redis-per-second" "redis" .Values.redisPerSecond) }}
{{- end }}
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "ratekeeper.redis.mounts" -}}
{{- if .redis.auth.existingSecret }}
- {name: {{ .name }}, mountPath: /etc/ratekeeper/{{ .name }}, readOnly: true}
{{- end }}
{{- if or .redis.tls.existingSecret .redis.tls.caConfigMap.name }}
- {name: {{ .name }}-tls, mountPath: /etc/ratekeeper/{{ .name }}-tls, readOnly: true}
{{- end }}
{{- end -}}

{{/* defaultMode is written in decimal, as readers of YAML differ on octal: 288 is 0440, 292 is 0444. */}}
{{- define "ratekeeper.volumes" -}}
- name: settings
  configMap:
    name: {{ include "ratekeeper.fullname" . }}-settings
- name: rules
  projected:
    sources:
      {{- if or .Values.rules.files (not .Values.rules.existingConfigMaps) }}
      - configMap:
          name: {{ include "ratekeeper.fullname" . }}-rules
      {{- end }}
      {{- range .Values.rules.existingConfigMaps }}
      - configMap:
          name: {{ . }}
      {{- end }}
{{- if .Values.tls.enabled }}
{{- include "ratekeeper.tls.volumes" . }}
{{- end }}
{{- if eq .Values.store "redis" }}
{{- include "ratekeeper.redis.volumes" (dict "name" "redis" "redis" .Values.redis) }}
{{- if include "ratekeeper.redisPerSecondIsUsed" . }}
{{- include "ratekeeper.redis.volumes" (dict "name" "redis-per-second" "redis" .Values.redisPerSecond) }}
{{- end }}
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "ratekeeper.tls.volumes" }}
- name: grpc-tls
  secret:
    secretName: {{ include "ratekeeper.tlsSecretName" . }}
    defaultMode: 288
    items:
      - {key: tls.crt, path: tls.crt}
      - {key: tls.key, path: tls.key}
{{- with .Values.tls.clientCa }}
{{- if or .existingSecret .existingConfigMap }}
- name: grpc-client-ca
  {{- if .existingSecret }}
  secret:
    secretName: {{ .existingSecret }}
    defaultMode: 288
    items:
      - {key: {{ .key }}, path: ca.crt}
  {{- else }}
  configMap:
    name: {{ .existingConfigMap }}
    items:
      - {key: {{ .key }}, path: ca.crt}
  {{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "ratekeeper.redis.volumes" -}}
{{- $redis := .redis -}}
{{- with $redis.auth }}
{{- if .existingSecret }}
- name: {{ $.name }}
  secret:
    secretName: {{ .existingSecret }}
    defaultMode: 288
    items:
      - {key: {{ .passwordKey }}, path: password}
      {{- with .usernameKey }}
      - {key: {{ . }}, path: username}
      {{- end }}
{{- end }}
{{- end }}
{{- with $redis.tls }}
{{- if or .existingSecret .caConfigMap.name }}
- name: {{ $.name }}-tls
  projected:
    defaultMode: 288
    sources:
      {{- include "ratekeeper.redis.tlsSources" . | trim | nindent 6 }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "ratekeeper.redis.tlsSources" -}}
{{- $secretHasCa := and .caKey (not .caConfigMap.name) -}}
{{- if and .existingSecret (or $secretHasCa .certificateKey) }}
- secret:
    name: {{ .existingSecret }}
    items:
      {{- if $secretHasCa }}
      - {key: {{ .caKey }}, path: ca.crt}
      {{- end }}
      {{- if .certificateKey }}
      - {key: {{ .certificateKey }}, path: tls.crt}
      - {key: {{ .keyKey }}, path: tls.key}
      {{- end }}
{{- end }}
{{- if .caConfigMap.name }}
- configMap:
    name: {{ .caConfigMap.name }}
    items:
      - {key: {{ .caConfigMap.key }}, path: ca.crt}
{{- end }}
{{- end -}}
