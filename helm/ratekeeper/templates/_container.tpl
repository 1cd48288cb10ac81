{{/* The server's container. */}}

{{- define "ratekeeper.container" -}}
image: {{ include "ratekeeper.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
args:
  - serve
  - --config
  - /etc/ratekeeper/config/ratekeeper.yaml
  {{- with .Values.extraArgs }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with include "ratekeeper.env" . | trim }}
env:
  {{- . | nindent 2 }}
{{- end }}
{{- with .Values.extraEnvFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
ports:
  - {name: grpc, containerPort: 8081, protocol: TCP}
  - {name: http, containerPort: 8080, protocol: TCP}
  - {name: metrics, containerPort: 9090, protocol: TCP}
{{- include "ratekeeper.probes" . }}
{{- with .Values.resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.securityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
volumeMounts:
  {{- include "ratekeeper.volumeMounts" . | nindent 2 }}
{{- end -}}

{{/* Variables win over the file, so there is none for threads where the settings have a word on them. */}}
{{- define "ratekeeper.env" -}}
{{- if not (hasKey .Values.settings "threads") }}
{{- include "ratekeeper.env.threads" . }}
{{- end }}
{{- if eq .Values.store "redis" }}
{{- include "ratekeeper.env.secret" (dict "name" "RATEKEEPER_REDIS__URLS" "secret" .Values.redis.urlsSecret.name "key" .Values.redis.urlsSecret.key) }}
{{- include "ratekeeper.env.secret" (dict "name" "RATEKEEPER_REDIS_PER_SECOND__URLS" "secret" .Values.redisPerSecond.urlsSecret.name "key" .Values.redisPerSecond.urlsSecret.key) }}
{{- end }}
{{- include "ratekeeper.env.secret" (dict "name" "RATEKEEPER_DECISION_LOG__HASH_SECRET" "secret" .Values.decisionLog.existingSecret "key" .Values.decisionLog.key) }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "ratekeeper.env.threads" }}
- name: RATEKEEPER_THREADS
  {{- if not (kindIs "invalid" .Values.threads) }}
  value: {{ .Values.threads | int | quote }}
  {{- else }}
  {{- $resource := include "ratekeeper.env.cpu" . }}
  {{- if $resource }}
  valueFrom:
    resourceFieldRef:
      containerName: ratekeeper
      resource: {{ $resource }}
      divisor: "1"
  {{- else }}
  value: "1"
  {{- end }}
  {{- end }}
{{- end -}}

{{/* What says how many CPUs there are. Of a request that is not there the kubelet would make 0, which is all cores of the node. */}}
{{- define "ratekeeper.env.cpu" -}}
{{- $found := "" -}}
{{- range list "requests" "limits" -}}
{{- $given := default dict (get (default dict $.Values.resources) .) -}}
{{- if not (has (default "" $given.cpu | toString) (list "" "0" "0m")) }}{{ $found = printf "%s.cpu" . }}{{ end -}}
{{- end -}}
{{- $found -}}
{{- end -}}

{{- define "ratekeeper.env.secret" }}
{{- if .secret }}
- name: {{ .name }}
  valueFrom:
    secretKeyRef:
      name: {{ .secret }}
      key: {{ .key }}
{{- end }}
{{- end -}}
