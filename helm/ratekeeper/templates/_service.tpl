{{/* What both Services have in common. */}}

{{- define "ratekeeper.service.families" -}}
{{- with .Values.service.ipFamilyPolicy }}
ipFamilyPolicy: {{ . }}
{{- end }}
{{- with .Values.service.ipFamilies }}
ipFamilies:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "ratekeeper.service.ports" -}}
{{- $ports := .Values.service.ports -}}
- name: grpc
  port: {{ $ports.grpc }}
  targetPort: grpc
  protocol: TCP
  {{- with .Values.service.grpcAppProtocol }}
  appProtocol: {{ . }}
  {{- end }}
- name: http
  port: {{ $ports.http }}
  targetPort: http
  protocol: TCP
  appProtocol: http
- name: metrics
  port: {{ $ports.metrics }}
  targetPort: metrics
  protocol: TCP
  appProtocol: http
{{- end -}}
